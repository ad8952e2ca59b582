"""Write files that appear complete: under a temporary name, synced and renamed."""

import contextlib
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ptmtorrent_scrapy.storage.fsync import sync_paths


class AtomicFile:
    """A file that is written under another name and replaces the old file on `commit`.

    As a context manager it commits if the block succeeds; otherwise the new file is removed.
    """

    def __init__(self, path: Path, *, resume_at: int = 0) -> None:
        """Start the file, or continue one that was left, after its first `resume_at` bytes."""
        self.path = path
        self._beside = beside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[bytes] = self._beside.open("r+b" if resume_at else "wb", buffering=1 << 20)
        if resume_at:
            self.file.truncate(resume_at)
            self.file.seek(resume_at)

    def save(self) -> int:
        """Sync everything written so far to the disk, and return its number of bytes."""
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.file.tell()

    def leave(self) -> None:
        """Close the file so that it can be continued later, from the last `save`."""
        with contextlib.suppress(OSError):  # of a full disk: what was saved exists
            self.file.close()

    def seal(self) -> None:
        """Sync the complete file to the disk, so that `commit` only renames it. Raise `OSError`."""
        if not self.file.closed:
            self.save()
            self.file.close()

    def commit(self) -> None:
        """Replace the old file. Raise `OSError`."""
        self.seal()
        self._beside.replace(self.path)
        sync_paths([self.path.parent])

    def abandon(self) -> None:
        """Remove the new file; the old one stays."""
        with contextlib.suppress(OSError):  # of a full disk
            self.file.close()
        self._beside.unlink(missing_ok=True)

    def __enter__(self) -> IO[bytes]:
        return self.file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()
            return
        try:
            self.commit()
        except BaseException:
            self.abandon()
            raise


def beside(path: Path) -> Path:
    """Return the path under which a file is written before it replaces the old one."""
    return path.with_name(f".{path.name}~new")


class JsonArrayFile:
    """A file that holds one JSON array, written element by element; as a context manager like `AtomicFile`."""

    def __init__(self, path: Path, *, resume_at: int = 0, length: int = 0) -> None:
        """Start the file, or continue one that was left, after `resume_at` bytes and `length` elements."""
        self._atomic = AtomicFile(path, resume_at=resume_at)
        if not resume_at:
            self._atomic.file.write(b"[")
        self.length = length

    def append(self, element: bytes) -> int:
        """Append an element (JSON text), and return its position, from 0."""
        self._atomic.file.write(b",\n" if self.length else b"\n")
        self._atomic.file.write(element)
        self.length += 1
        return self.length - 1

    def save(self) -> int:
        """Sync everything written so far to the disk, and return its number of bytes."""
        return self._atomic.save()

    def leave(self) -> None:
        """Close the file so that it can be continued later, from the last `save`."""
        self._atomic.leave()

    def seal(self) -> None:
        """End the array, and sync it to the disk, so that `commit` only renames it. Raise `OSError`."""
        if not self._atomic.file.closed:
            self._atomic.file.write(b"\n]\n")
            self._atomic.seal()

    def commit(self) -> None:
        """End the array, and replace the old file. Raise `OSError`."""
        self.seal()
        self._atomic.commit()

    def abandon(self) -> None:
        """Remove the new file; the old one stays."""
        self._atomic.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abandon()


def write(path: Path, body: bytes) -> None:
    """Write a complete file, which replaces the old one. Raise `OSError`."""
    with AtomicFile(path) as file:
        file.write(body)


def digest(body: bytes) -> str:
    """Return a checksum of content, which includes its length."""
    return f"{len(body)}:{hashlib.blake2b(body, digest_size=16).hexdigest()}"
