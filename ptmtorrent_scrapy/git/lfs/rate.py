"""The least rate of a download, like git's `http.lowSpeedLimit` and `http.lowSpeedTime`."""

import time

from ptmtorrent_scrapy.git.errors import TooSlow

LONGEST_WINDOW = 300.0  # seconds over which a rate is measured


def window(timeout: float) -> float:
    """Return the seconds over which a rate is measured, if a transfer may have no progress for `timeout` seconds."""
    return min(timeout, LONGEST_WINDOW)


class LeastRate:
    """Counts the bytes of a transfer."""

    def __init__(self, least: int, timeout: float) -> None:
        """Start measuring; `least` is in bytes per second."""
        self.seconds = window(timeout)
        self._least = least
        self._bytes = 0
        self._since = time.monotonic()

    def count(self, length: int) -> None:
        """Count received bytes. Raise `TooSlow` at the end of a window with too few of them."""
        self._bytes += length
        passed = time.monotonic() - self._since
        if passed >= self.seconds:
            if self._bytes < self._least * passed:
                raise TooSlow(f"their server sends less than {self._least} bytes per second")
            self._bytes, self._since = 0, time.monotonic()
