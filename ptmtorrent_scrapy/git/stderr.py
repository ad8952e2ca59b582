"""What servers answer, as git (`GIT_TRACE_CURL`) and git-lfs (`GIT_TRACE`) trace it on standard error.

The trace has URLs, headers and text, which servers and repositories choose: nothing is concluded from their words.
"""

import re

from ptmtorrent_scrapy.formats.retry_after import seconds
from ptmtorrent_scrapy.git.errors import Gated

_TRACED = re.compile(r"^\d\d:\d\d:\d\d\.\d+ .*$", re.MULTILINE)
_LFS_TRACE = "trace git-lfs: "  # after which comes what a server sent, in many lines
_NAMES = re.compile(r"'[^'\n]*'|[a-z]+://[^\s']+")
_RETRY_AFTER = re.compile(r"^(?:\S+ \S+ +<= Recv header:|<) retry-after:([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"^[\d:.]+ trace git-lfs: HTTP: (\d{3})\r?$", re.MULTILINE)
_LOGIN = re.compile(rb"^[\d:.]+ trace git-lfs: HTTP: 401\r?$", re.MULTILINE)


def beside(stderr: str) -> list[str]:
    """The lines that are no trace."""
    _, traced, last = stderr.rpartition(_LFS_TRACE)
    text = _TRACED.sub("", last.partition("\n")[2] if traced else stderr)
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]


def words(stderr: str) -> str:
    """What is said beside the trace, without the paths and URLs in it."""
    return _NAMES.sub("NAME", "\n".join(beside(stderr)))


def pause(stderr: str) -> float | None:
    """Seconds that a server asked for last."""
    found = _RETRY_AFTER.findall(stderr)
    return seconds(found[-1]) if found else None


def lfs_status(stderr: str) -> int | None:
    """The HTTP status that git-lfs was answered last."""
    found = _STATUS.findall(stderr)
    return int(found[-1]) if found else None


class LoginLoop(Gated):
    """An object for which a server wants a login that it was not sent to: git-lfs asks again, at once and for ever."""


class LoginLoopDetector:
    """Reads the trace of git-lfs as it comes, and raises `LoginLoop` for more answers of 401 than objects explain."""

    def __init__(self, objects: int) -> None:
        self._left = 2 * objects + 10
        self._rest = b""

    def __call__(self, piece: bytes) -> None:
        lines, end, rest = (self._rest + piece).rpartition(b"\n")
        self._rest = rest[-1000:]
        self._left -= len(_LOGIN.findall(lines + end))
        if self._left < 0:
            raise LoginLoop("their server does not give them to us")
