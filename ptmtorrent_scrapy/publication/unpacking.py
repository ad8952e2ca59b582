"""Unpack parts of volumes. A volume may come from anybody: nothing leaves the folder, links are to large files."""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from ptmtorrent_scrapy.publication import git_folder
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.files import link_or_copy
from ptmtorrent_scrapy.storage.tree import UnusableName, check_folder

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LARGEST_WINDOW = 1 << 27  # bytes of memory that a frame may need
_OBJECT = re.compile(r"data/([^/]+)/lfs/objects/([0-9a-f]{2})/([0-9a-f]{2})/(\2\3[0-9a-f]{60})")
_IN_CLONE = re.compile(r"(data/[^/]+/repos/([^/]+/[^/]+))/(.+)", re.DOTALL)
_CHUNK = 1 << 20


def unpack(pieces: Iterable[bytes], folder: Path, *, link: bool, again: bool = False) -> Iterator[str]:
    """Unpack a compressed archive below a folder, and yield the paths of clones and large files as they begin.

    With `link`, large files in working trees become links to the objects; otherwise the caller, which has all objects,
    writes them. With `again`, files of an earlier attempt are replaced. Raise `BagError`, `OSError`.
    """
    reader = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).stream_reader(
        io.BufferedReader(_Pieces(pieces), _CHUNK), read_across_frames=True
    )
    last = ""
    try:
        with tarfile.open(fileobj=reader, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
            for member in archive:
                if (unit := _unit(member)) != last:
                    last = unit
                    yield unit
                _unpack(archive, member, folder, link=link, again=again)
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise BagError(f"is not an archive of repositories: {error}") from None


def checked(pieces: Iterable[bytes], sha256: str, where: str) -> Iterator[bytes]:
    """Yield pieces, and raise `BagError` at their end if they do not match the SHA-256."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        yield piece
    if found.hexdigest() != sha256:
        raise BagError(f"{where} is damaged: its SHA-256 is {found.hexdigest()}, not {sha256}")


def unit_of(path: str) -> str | None:
    """Return the clone or large file that a path of a package belongs to, None if it belongs to none or is unsafe.

    >>> unit_of("data/huggingface/repos/openai/gpt/config.json"), unit_of("data/huggingface/repos/a/b/../c")
    ('data/huggingface/repos/openai/gpt', None)
    """
    if _OBJECT.fullmatch(path):
        return path
    if not (found := _IN_CLONE.fullmatch(path)):
        return None
    clone, folder, name = found.groups()
    try:
        check_folder(folder)
    except UnusableName:
        return None
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        return None
    is_git = parts[0] == ".git"
    if any(part.lower() == ".git" for part in parts[is_git:]):
        return None
    return clone if not is_git or _is_git_file("/".join(parts[1:])) else None


def _is_git_file(name: str) -> bool:
    return git_folder.is_packaged(name) or _OBJECT.fullmatch(f"data/-/{name}") is not None


def _unit(member: tarfile.TarInfo) -> str:
    unit = unit_of(member.name)
    is_link = member.islnk() and _OBJECT.fullmatch(member.linkname)
    if unit is None or not (member.isreg() or is_link):
        raise BagError(f"has an unexpected member: {member.name[:200]!a}")
    return unit


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, *, link: bool, again: bool) -> None:
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if again:
        target.unlink(missing_ok=True)
    if member.islnk():
        if link and not target.exists():
            link_or_copy(folder / member.linkname, target)
        return
    content = archive.extractfile(member)
    assert content is not None
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while piece := content.read(_CHUNK):
            digest.update(piece)
            file.write(piece)
    if (found := _OBJECT.fullmatch(member.name)) and found[4] != digest.hexdigest():
        target.unlink()
        raise BagError(f"has a damaged large file: {member.name}")
    target.chmod(0o444 if found else 0o755 if member.mode & 0o100 else 0o644)
    if not found:
        os.utime(target, (member.mtime, member.mtime))


class _Pieces(io.RawIOBase):
    """A stream of pieces of bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while not self._left:
            if (piece := next(self._pieces, None)) is None:
                return 0
            self._left = memoryview(piece)
        target = memoryview(buffer)
        size = min(len(self._left), len(target))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
