"""The files of a served repository, read back from its git objects: for the API's trees and /resolve/."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n")
_FOLDER = b"40000"
_SUBMODULE = b"160000"


@dataclass(frozen=True)
class Entry:
    """A file or folder of a commit."""

    path: str
    oid: str
    body: bytes | None  # git's content: for a large file the pointer, for a folder nothing

    @property
    def large(self) -> tuple[str, int] | None:
        """Return (oid, size) of a large file."""
        match = _POINTER.fullmatch(self.body or b"")
        return (match[1].decode(), int(match[2])) if match else None


def content(repository: Path, oid: str) -> bytes:
    """Return the content of an object. Raise `FileNotFoundError`."""
    return zlib.decompress((repository / "objects" / oid[:2] / oid[2:]).read_bytes()).partition(b"\0")[2]


def history(repository: Path, head: str | None) -> Iterator[str]:
    """Yield a commit and those before it."""
    while head:
        yield head
        parent = re.search(rb"^parent (\w+)$", content(repository, head), re.MULTILINE)
        head = parent[1].decode() if parent else None


def entries(repository: Path, commit: str, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
    """Return the entries of a folder of a commit. Raise `FileNotFoundError` if it does not exist."""
    tree = content(repository, commit)[5:45].decode()
    for name in folder.split("/") if folder else ():
        inner = [oid for mode, found, oid in _listed(repository, tree) if (mode, found) == (_FOLDER, name)]
        if not inner:
            raise FileNotFoundError(folder)
        tree = inner[0]
    yield from _walk(repository, tree, f"{folder}/" if folder else "", recursive)


def file(repository: Path, commit: str, path: str) -> Entry | None:
    """Return a file of a commit."""
    folder, _, _ = path.rpartition("/")
    try:
        found = [entry for entry in entries(repository, commit, folder) if entry.path == path]
    except FileNotFoundError:
        return None
    return found[0] if found and found[0].body is not None else None


def _walk(repository: Path, tree: str, prefix: str, recursive: bool) -> Iterator[Entry]:
    for mode, name, oid in _listed(repository, tree):
        if mode == _FOLDER:
            yield Entry(prefix + name, oid, None)
            if recursive:
                yield from _walk(repository, oid, f"{prefix}{name}/", recursive)
        elif mode != _SUBMODULE:
            yield Entry(prefix + name, oid, content(repository, oid))


def _listed(repository: Path, tree: str) -> Iterator[tuple[bytes, str, str]]:
    """Yield (mode, name, id) of the entries of a tree."""
    body = content(repository, tree)
    for match in re.finditer(rb"(\d+) ([^\0]+)\0(.{20})", body, re.DOTALL):
        yield match[1], match[2].decode(), match[3].hex()
