"""Watches how large a clone becomes while git makes it."""

import time
from pathlib import Path

from ptmtorrent_scrapy.git import standing
from ptmtorrent_scrapy.git.errors import Large, Refused

_EXPANDED = 1 << 30  # bytes of a working tree, from which on it matters what was sent for them
_TIMES = 100  # as much as text that repeats itself becomes of what is sent
_SHARE = 20  # of its time a clone is not watched for one that it is


class Growth:
    """Told again and again of a clone on its way: raises `Large`, or `Refused` for one that expands like a bomb."""

    def __init__(self, clone: Path, largest: int | None) -> None:
        self._clone = clone
        self._largest = largest
        self._next = 0.0

    def __call__(self) -> None:
        began = time.monotonic()
        if began >= self._next:
            self.check(standing.size(self._clone))
            self._next = time.monotonic() + _SHARE * (time.monotonic() - began)

    def check(self, whole: int) -> None:
        """Judge the clone by its size in bytes, `.git` included."""
        git = standing.size(self._clone / ".git")
        if self._largest is not None and max(git, whole - git) > self._largest:
            raise Large(f"it has more than {self._largest} bytes without its large files: nothing of it is kept")
        if whole - git > max(_EXPANDED, _TIMES * git):
            raise Refused(f"its {git} bytes expand to {whole - git} and more")
