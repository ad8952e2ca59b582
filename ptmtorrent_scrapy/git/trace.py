"""What servers answer, as git (`GIT_TRACE_CURL`) and git-lfs (`GIT_CURL_VERBOSE`) trace it on standard error.

The trace has URLs and headers, which servers and repositories choose: nothing is concluded from their words.
"""

import re

from ptmtorrent_scrapy.git.errors import Gated, Unavailable
from ptmtorrent_scrapy.retryafter import seconds

_TRACED = re.compile(r"^(?:\d\d:\d\d:\d\d\.\d+ |[<>] |\{).*$", re.MULTILINE)
_URL = re.compile(r"[a-z]+://[^\s']+")
_RETRY_AFTER = re.compile(r"^(?:\S+ \S+ +<= Recv header:|<) retry-after:([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_ANSWERED = re.compile(rb"\btrace git-lfs: HTTP: (\d{3})$")
_BUSY = (429, 503)


def beside(stderr: str) -> list[str]:
    """The lines that are no trace."""
    return [line.strip() for line in _TRACED.sub("", stderr.replace("\r", "\n")).splitlines() if line.strip()]


def words(stderr: str) -> str:
    """What is said beside the trace, without URLs."""
    return _URL.sub("URL", "\n".join(beside(stderr)))


def pause(stderr: str) -> float | None:
    """Seconds that a server asked for last."""
    found = _RETRY_AFTER.findall(stderr)
    return seconds(found[-1]) if found else None


class LoginLoop(Gated):
    """An object for which a server wants a login that it was not sent to: git-lfs asks again, at once and for ever."""


class Watch:
    """Reads the trace of git-lfs as it comes, and ends a call that would do a server harm.

    Raises `LoginLoop`, and `Unavailable` for a server that wants its peace: git-lfs would go on with other objects.
    """

    def __init__(self, objects: int) -> None:
        self._logins = 2 * objects + 10
        self._rest = b""
        self._is_busy = False
        self._pause: float | None = None

    def __call__(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._rest = self._rest[-1000:]
        for line in lines:
            self._read(line.rstrip(b"\r"))

    def _read(self, line: bytes) -> None:
        if answered := _ANSWERED.search(line):
            self._is_busy = int(answered[1]) in _BUSY
            self._logins -= int(answered[1]) == 401
            if self._logins < 0:
                raise LoginLoop("their server does not give them to us")
        elif self._is_busy and line.lower().startswith(b"< retry-after:"):
            self._pause = seconds(line.partition(b":")[2].decode("latin-1"))
        elif self._is_busy and line.strip() == b"<":  # the end of the headers
            raise Unavailable("the server of the large files wants to be left alone", self._pause)
