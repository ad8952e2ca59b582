"""The files of a commit, one JSON object per line, kept in the `.git` folder of its clone for `json/files.jsonl`.

{"path": ..., "size": bytes, "blob": git's id of it}, and of an LFS file {"sha256": ..., "state": "stored" or "pointer"}
as well; its size is that of its content, not of the pointer.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO

import orjson

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.size_limit import TreeOrder
from ptmtorrent_scrapy.storage.atomic import AtomicFile

_NAME = "ptmtorrent-files.jsonl"


def path(clone: Path) -> Path:
    """Return the path of the list of files at a clone's HEAD."""
    return clone / ".git" / _NAME


def write(
    git: Command, clone: Path, commit: str, lfs: Mapping[bytes, Pointer], stored: Collection[Pointer] = ()
) -> int:
    """List the files of a commit; return the sum of their sizes.

    `lfs` are its LFS files, `stored` are pointers whose objects are in the working tree.
    Raise `Refused` for a tree in which a path is twice, and other `GitError`s.
    """
    with AtomicFile(path(clone)) as file:
        listing = _Listing(file, lfs, stored)
        command = ("git", "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        git.run(*command, cwd=clone, output=listing.take)
    return listing.size


def read(clone: Path, repository: str) -> Iterator[bytes]:
    """Yield the lines for `json/files.jsonl` of a clone, each with the URL of its repository."""
    begin = b'{"repository":' + orjson.dumps(repository) + b","
    with path(clone).open("rb") as file:
        for line in file:
            yield begin + line[1:]


class _Listing:
    """Writes a line for each entry of `git ls-tree -r -z -l`, as its output arrives."""

    def __init__(self, file: IO[bytes], lfs: Mapping[bytes, Pointer], stored: Collection[Pointer]) -> None:
        self.size = 0
        self._file = file
        self._lfs = lfs
        self._stored = stored
        self._rest = b""
        self._order = TreeOrder()

    def take(self, piece: bytes) -> None:
        *entries, self._rest = (self._rest + piece).split(b"\0")
        for entry in entries:
            meta, _, name = entry.partition(b"\t")
            _, kind, blob, size = meta.split()
            self._order.check(name)
            if kind == b"blob":  # not a submodule
                self._write(name, blob.decode(), int(size))

    def _write(self, name: bytes, blob: str, size: int) -> None:
        line: dict[str, object] = {"path": name.decode("utf-8", "backslashreplace"), "size": size, "blob": blob}
        if pointer := self._lfs.get(name):
            line |= {"size": (size := pointer.size), "sha256": pointer.oid}
            line["state"] = "stored" if pointer in self._stored else "pointer"
        self.size += size
        self._file.write(orjson.dumps(line) + b"\n")
