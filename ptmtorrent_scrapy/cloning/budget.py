"""Limits of a crawl: bytes to download, and disk space to keep free."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.state import FinishReason

_EXHAUSTED, _FEW_FILES = 1 << 19, 50  # bytes and files that a clone needs at least
_FILES = 100_000  # that must stay free, on a file system with a limited number of files


class Budget:
    """Counts the bytes that a crawl has downloaded and may still download."""

    def __init__(self, folder: Path, settings: CloneSettings) -> None:
        self._folder = folder
        self._min_free = settings.repository.min_free
        self._concurrency = settings.concurrency
        self._max_bytes = settings.max_bytes
        self._fetched = 0
        self._reserved = 0  # for running clones

    def full(self) -> str | None:
        """Return why nothing more may be written; None if there is enough space."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < self._min_free:
            what = f"CLONE_MIN_FREE={self._min_free} bytes"
        elif disk.f_favail < (least := min(disk.f_files // 100, _FILES)):
            what = f"{least} files"
        else:
            return None
        return f"{self._folder} has less than {what} free: no further clone is started; free some space"

    def is_exhausted(self) -> bool:
        """Return whether the disk is so full that git fails on it."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize < _EXHAUSTED or (disk.f_files > 0 and disk.f_favail < _FEW_FILES)

    def exceeds_total(self, needed: int) -> str | None:
        """Return why no crawl with this limit can download this many bytes; None if one can."""
        if self._max_bytes is None or needed <= self._max_bytes:
            return None
        return f"it has {needed} bytes, more than CLONE_MAX_BYTES={self._max_bytes}"

    def blocking_reason(self, expected: int) -> tuple[FinishReason, str] | None:
        """Return why a clone of this many bytes must not start, as (reason, problem); None if it may."""
        if why := self.full():
            return FinishReason.NO_SPACE, why
        if self.left is None or 0 < self.left >= expected:
            return None
        return FinishReason.MAX_BYTES, (
            f"download limit CLONE_MAX_BYTES={self._max_bytes} reached ({self._fetched} bytes used), "
            "or too small for the next repository: raise it"
        )

    def is_reserved(self, expected: int) -> bool:
        """Return whether this many bytes may be available once the running clones have ended."""
        return self._max_bytes is not None and (self.left or 0) < expected <= self._max_bytes - self._fetched

    @contextmanager
    def reserve(self, expected: int) -> Iterator[int | None]:
        """Reserve the bytes that a clone may download until it ends, and return them; None means no limit.

        If the size is unknown, an equal share is reserved, and the clone may be queued again.
        """
        left = self.left
        budget = None if left is None else max(expected or left // self._concurrency, 1)
        self._reserved += budget or 0
        try:
            yield budget
        finally:
            self._reserved -= budget or 0

    def count(self, fetched: int) -> None:
        """Count downloaded bytes."""
        self._fetched += fetched

    @property
    def left(self) -> int | None:
        """Return the bytes that may still be downloaded and are not reserved; None means no limit."""
        return None if self._max_bytes is None else self._max_bytes - self._fetched - self._reserved
