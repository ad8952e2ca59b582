"""A lock that ends with its process, on this machine or another that shares the file system."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class LockHeld(Exception):
    """Another process holds the lock; the message is the holder's note."""


@contextlib.contextmanager
def lock(path: Path, *, note: str = "") -> Iterator[None]:
    """Hold the lock; its file exists as long as a process holds it. Raise `LockHeld`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _acquire(path)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, note.encode())
        yield
    finally:
        with contextlib.suppress(OSError):  # of a failing disk: the crawl reports that itself
            path.unlink()  # before the release: the next holder sees that its open file is not this one
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            note = os.pread(descriptor, 1000, 0).decode("utf-8", "replace")
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise LockHeld(note) from None
            raise
        if _is(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    return False
