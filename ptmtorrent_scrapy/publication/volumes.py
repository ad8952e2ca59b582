"""Volumes: repositories as deterministic tar archives, compressed by Zstandard (RFC 8878) in independent frames.

The part of a repository begins with the large files that no repository before it has, one frame each; the other files
follow in one frame. Large files in its working tree are hard links to lfs/, so `tar` unpacks the layout of a crawl.
Every frame can be read by itself, and all of them are one archive.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import orjson
import zstandard

from ptmtorrent_scrapy.publication.bag import DamagedFile
from ptmtorrent_scrapy.publication.clones import PackagedClone
from ptmtorrent_scrapy.publication.files import Entry
from ptmtorrent_scrapy.publication.repositories import PackagedRepository
from ptmtorrent_scrapy.publication.tar_members import END, header, member, padded, sum_line, version
from ptmtorrent_scrapy.storage.atomic import AtomicFile

SUFFIX = ".tar.zst"
_LEVEL = 3
_MOST = 50_000  # repositories in a volume: its plan is kept in memory


class Volume:
    """The plan of an archive: its repositories in order, each with the large files that no earlier one has."""

    def __init__(self, name: str) -> None:
        self.name = name  # such as huggingface-0001
        self.clones: list[tuple[PackagedRepository, frozenset[str]]] = []
        self.bound = len(END) + 64  # bytes that the file has at most
        self._fingerprint = hashlib.sha256()

    def add(self, clone: PackagedClone, size: int) -> None:
        """Add a clone with at most `size` bytes; its files are listed again when the volume is written."""
        self.clones.append((clone.repository, frozenset(entry.path for entry in clone.objects)))
        self.bound += size
        for entry in (*clone.objects, *clone.files):
            state = [os.fsencode(entry.path).hex(), entry.size, entry.link, *version(entry)]
            self._fingerprint.update(orjson.dumps(state))

    @property
    def fingerprint(self) -> str:
        """Return a SHA-256 of the volume's input: paths, contents of generated files, status of the others."""
        return self._fingerprint.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Part:
    """A range of a volume's bytes that can be read by itself: a line of the index."""

    path: str  # of a repository or a large file
    volume: str
    offset: int
    length: int
    sha256: str  # of the range
    size: int = 0  # bytes of the files in it
    files: int = 0
    url: str = ""
    commit: str | None = None
    shared: tuple[str, ...] = ()  # paths of large files in the parts of other repositories

    def line(self) -> dict[str, object]:
        """Return the line of the index, without the places of the shared files."""
        line = {name: getattr(self, name) for name in ("path", "volume", "offset", "length", "sha256", "size", "files")}
        more = {"url": self.url, "commit": self.commit, "shared": list(self.shared)}
        return {**line, **more} if self.commit else line


def bound(clone: PackagedClone) -> int:
    """Return an upper bound of the bytes of a clone's part: Zstandard adds at most 1/256 and some bytes per frame."""
    entries = (*clone.objects, *clone.files)
    size = sum(len(header(entry, clone.time)) + padded(entry.size) for entry in entries)
    return size + size // 256 + 64 * (len(clone.objects) + 1)


def divided(clones: Iterable[PackagedClone], limit: int) -> Iterator[Volume]:
    """Yield volumes of at most `limit` bytes; a larger repository has a volume of its own."""
    volume, hub, number = None, "", 0
    for clone in clones:
        size = bound(clone)
        is_full = volume and (volume.bound + size > limit or len(volume.clones) == _MOST)
        if volume and (is_full or clone.repository.hub != hub):
            yield volume
            volume = None
        if volume is None:
            number = number + 1 if clone.repository.hub == hub else 1
            hub = clone.repository.hub
            volume = Volume(f"{hub}-{number:04d}")
        volume.add(clone, size)
    if volume:
        yield volume


class VolumeWriter:
    """Writes a volume, its list of SHA-256 and its parts."""

    def __init__(
        self, volume: Volume, folder: Path, *, listed: Callable[[PackagedRepository], PackagedClone], strict: bool
    ) -> None:
        """Prepare it; `listed` returns the files of a clone, `strict` stops at a damaged large file."""
        self.parts: list[Part] = []
        self._volume = volume
        self._path = folder / f"{volume.name}{SUFFIX}"
        self._sums = folder / f"{volume.name}.sha256"
        self._listed = listed
        self._strict = strict
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._whole = hashlib.sha256()
        self._offset = 0

    def write(self) -> tuple[str, str]:
        """Write the volume; return its SHA-256 and that of its list. Raise `BagError`, `GitError`, `OSError`."""
        sums = hashlib.sha256()
        with AtomicFile(self._path) as file, AtomicFile(self._sums) as listed:
            for repository, own in self._volume.clones:
                clone = self._listed(repository)
                clone.objects = [entry for entry in clone.objects if entry.path in own]
                for line in self._clone(file, clone):
                    listed.write(line)
                    sums.update(line)
            self._frame(file, [END])
        return self._whole.hexdigest(), sums.hexdigest()

    def _clone(self, file: IO[bytes], clone: PackagedClone) -> Iterator[bytes]:
        """Write the part of a clone, and yield its lines for the list."""
        begin, whole = self._offset, hashlib.sha256()
        for entry in clone.objects:
            yield self._object(file, entry, clone.time, whole)
        lines: list[bytes] = []
        self._frame(file, _members(clone, lines), whole)
        yield from lines
        own, entries = {entry.path for entry in clone.objects}, (*clone.objects, *clone.files)
        part = self._part(clone.path, begin, whole, size=sum(entry.size for entry in entries), files=len(entries))
        shared = sorted({entry.link for entry in clone.files if entry.link and entry.link not in own})
        self.parts.append(replace(part, url=clone.repository.url, commit=clone.repository.commit, shared=tuple(shared)))

    def _object(self, file: IO[bytes], entry: Entry, time: int, whole: "hashlib._Hash") -> bytes:
        """Write a large file, and return its line for the list."""
        begin, part, content = self._offset, hashlib.sha256(), hashlib.sha256()
        self._frame(file, member(entry, time, content), whole, part)
        if self._strict and content.hexdigest() != entry.oid:
            raise DamagedFile(entry.content, content.hexdigest())
        self.parts.append(self._part(entry.path, begin, part, size=entry.size, files=1))
        return sum_line(content.hexdigest(), entry.path)

    def _part(self, path: str, begin: int, digest: "hashlib._Hash", *, size: int, files: int) -> Part:
        return Part(
            path=path,
            volume=self._path.name,
            offset=begin,
            length=self._offset - begin,
            sha256=digest.hexdigest(),
            size=size,
            files=files,
        )

    def _frame(self, file: IO[bytes], pieces: Iterable[bytes], *digests: "hashlib._Hash") -> None:
        """Compress pieces as one frame."""
        frame = self._compressor.compressobj()
        for piece in pieces:
            self._write(file, frame.compress(piece), *digests)
        self._write(file, frame.flush(), *digests)

    def _write(self, file: IO[bytes], data: bytes, *digests: "hashlib._Hash") -> None:
        file.write(data)
        self._offset += len(data)
        for digest in (self._whole, *digests):
            digest.update(data)


def _members(clone: PackagedClone, lines: list[bytes]) -> Iterator[bytes]:
    """Yield the members of a clone except large files; append their lines for the list."""
    for entry in clone.files:
        digest = hashlib.sha256()
        yield from member(entry, clone.time, digest)
        lines.append(sum_line(entry.link.rpartition("/")[2] if entry.link else digest.hexdigest(), entry.path))
