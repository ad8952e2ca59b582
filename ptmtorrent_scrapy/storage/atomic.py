"""Files that appear complete: written beside their place, synced and renamed."""

import contextlib
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from ptmtorrent_scrapy.storage.fsync import sync_paths


class AtomicFile:
    """A file that is written beside its place and takes it on `commit`; what stood there stays until then.

    As a context it commits where the block ends well, and is abandoned where it does not.
    """

    def __init__(self, path: Path, *, begun: int = 0) -> None:
        """Begin it, or go on after so many bytes of one that was left."""
        self.path = path
        self._beside = beside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[bytes] = self._beside.open("r+b" if begun else "wb", buffering=1 << 20)
        if begun:
            self.file.truncate(begun)
            self.file.seek(begun)

    def save(self) -> int:
        """Bring what was written so far to the disk; returns how many bytes that is."""
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.file.tell()

    def leave(self) -> None:
        """Let somebody continue it later, from what was saved last."""
        with contextlib.suppress(OSError):  # of a full disk: what was saved is there
            self.file.close()

    def commit(self) -> None:
        self.save()
        self.file.close()
        self._beside.replace(self.path)
        sync_paths([self.path.parent])

    def abandon(self) -> None:
        with contextlib.suppress(OSError):  # of a full disk
            self.file.close()
        self._beside.unlink(missing_ok=True)

    def __enter__(self) -> IO[bytes]:
        return self.file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abandon()


def beside(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".{path.name}~new")


class JsonArrayFile:
    """A file that holds one JSON array, written an element at a time."""

    def __init__(self, path: Path, *, begun: int = 0, length: int = 0) -> None:
        """Begin it, or go on with one that was left after so many bytes and elements."""
        self._rewrite = AtomicFile(path, begun=begun)
        if not begun:
            self._rewrite.file.write(b"[")
        self.length = length

    def append(self, element: bytes) -> int:
        """Add an element, JSON text; returns its position, from 0."""
        self._rewrite.file.write(b",\n" if self.length else b"\n")
        self._rewrite.file.write(element)
        self.length += 1
        return self.length - 1

    def save(self) -> int:
        """Bring what was written so far to the disk; returns how many bytes that is."""
        return self._rewrite.save()

    def leave(self) -> None:
        """Let somebody go on later."""
        self._rewrite.leave()

    def commit(self) -> None:
        self._rewrite.file.write(b"\n]\n")
        self._rewrite.commit()

    def abandon(self) -> None:
        self._rewrite.abandon()


def write(path: Path, body: bytes) -> None:
    """Write a whole file."""
    with AtomicFile(path) as file:
        file.write(body)


def digest(body: bytes) -> str:
    """Return a checksum by which content that is read back is known to be what was written, length included."""
    return f"{len(body)}:{hashlib.blake2b(body, digest_size=16).hexdigest()}"
