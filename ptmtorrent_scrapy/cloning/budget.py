"""How much a crawl may fetch, and how full the disk may become."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ptmtorrent_scrapy.cloning.settings import CloneSettings

NO_SPACE, MAX_BYTES = "no_space", "max_bytes"
_FILES = 100_000  # for which a file system that has a number of them is to have room


class Budget:
    """Counts what a crawl has fetched and may still fetch; tells in a line what stands against more."""

    def __init__(self, folder: Path, settings: CloneSettings) -> None:
        self._folder = folder
        self._min_free = settings.repository.min_free
        self._concurrency = settings.concurrency
        self._max_bytes = settings.max_bytes
        self._fetched = 0
        self._promised = 0  # to the clones under way

    def full(self) -> str | None:
        """Why nothing more may be written; None if there is room."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < self._min_free:
            what = f"CLONE_MIN_FREE={self._min_free} bytes"
        elif disk.f_favail < min(disk.f_files // 100, _FILES):
            what = f"{disk.f_files // 100} files"
        else:
            return None
        return f"{self._folder} has room for less than {what}: no further clone is started; make room"

    def never(self, needed: int) -> str | None:
        """Why so many bytes will not be fetched by this crawl, nor by another one with its limit; None if they may."""
        if self._max_bytes is None or needed <= self._max_bytes:
            return None
        return f"it has {needed} bytes, more than CLONE_MAX_BYTES={self._max_bytes}"

    def against(self, expected: int) -> tuple[str, str] | None:
        """(reason, why) that stand against a clone of so many bytes; None if there is room for it."""
        if why := self.full():
            return NO_SPACE, why
        if self.left is None or 0 < self.left >= expected:
            return None
        return MAX_BYTES, (
            f"CLONE_MAX_BYTES={self._max_bytes} is reached with {self._fetched} bytes, "
            "or does not do for the next repository: raise it"
        )

    def is_promised(self, expected: int) -> bool:
        """Whether so many bytes may be left, once the clones under way have ended."""
        return self._max_bytes is not None and (self.left or 0) < expected <= self._max_bytes - self._fetched

    @contextmanager
    def promise(self, expected: int) -> Iterator[int | None]:
        """The bytes that a clone may fetch, None for any number; they are kept from others until it ends.

        Of a clone of which nothing is known that is its share of what is left: it may be told to come again.
        """
        left = self.left
        budget = None if left is None else max(expected or left // self._concurrency, 1)
        self._promised += budget or 0
        try:
            yield budget
        finally:
            self._promised -= budget or 0

    def count(self, fetched: int) -> None:
        """So many bytes were fetched."""
        self._fetched += fetched

    @property
    def left(self) -> int | None:
        """The bytes that may still be fetched and are promised to nobody; None for any number."""
        return None if self._max_bytes is None else self._max_bytes - self._fetched - self._promised
