"""How much a crawl may fetch, and how full the disk may become."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ptmtorrent_scrapy.clonesettings import CloneSettings

NO_SPACE, MAX_BYTES = "no_space", "max_bytes"


class Limits:
    """Counts what a crawl has fetched and may still fetch; tells in a line what stands against more."""

    def __init__(self, folder: Path, settings: CloneSettings) -> None:
        self._folder = folder
        self._min_free = settings.min_free
        self._max_bytes = settings.max_bytes
        self._fetched = 0
        self._promised = 0  # to the clones under way

    def full(self) -> str | None:
        """Why nothing more may be written; None if there is room."""
        if shutil.disk_usage(self._folder).free >= self._min_free:
            return None
        return (
            f"{self._folder} has less than CLONE_MIN_FREE={self._min_free} bytes left: "
            "no further clone is started; make room"
        )

    def against(self, expected: int) -> tuple[str, str] | None:
        """(reason, why) that stand against a clone of so many bytes; None if there is room for it."""
        if why := self.full():
            return NO_SPACE, why
        left = self._left()
        return (MAX_BYTES, self.over()) if left is not None and (left <= 0 or expected > left) else None

    def over(self) -> str:
        """That no more bytes may be fetched."""
        return (
            f"CLONE_MAX_BYTES={self._max_bytes} is reached with {self._fetched} bytes, "
            "or does not do for the next repository: raise it"
        )

    @contextmanager
    def promise(self, expected: int) -> Iterator[int | None]:
        """The bytes that a clone may fetch, None for any number; of these the expected ones are kept from others."""
        left = self._left()
        self._promised += expected
        try:
            yield left
        finally:
            self._promised -= expected

    def count(self, fetched: int) -> None:
        """So many bytes were fetched."""
        self._fetched += fetched

    def _left(self) -> int | None:
        return None if self._max_bytes is None else self._max_bytes - self._fetched - self._promised
