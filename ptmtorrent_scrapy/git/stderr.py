"""What servers answer, as git traces it on standard error (`GIT_TRACE_CURL`).

The trace has URLs, headers and text, which servers and repositories choose: nothing is concluded from their words.
"""

import re

from ptmtorrent_scrapy.formats.retry_after import seconds

_TRACED = re.compile(r"^\d\d:\d\d:\d\d\.\d+ .*$", re.MULTILINE)
_NAMES = re.compile(r"'[^'\n]*'|[a-z]+://[^\s']+")
_RETRY_AFTER = re.compile(r"^\S+ \S+ +<= Recv header: retry-after:([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


def beside(stderr: str) -> list[str]:
    """The lines that are no trace."""
    text = _TRACED.sub("", stderr)
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]


def words(stderr: str) -> str:
    """What is said beside the trace, without the paths and URLs in it."""
    return _NAMES.sub("NAME", "\n".join(beside(stderr)))


def pause(stderr: str) -> float | None:
    """Seconds that a server asked for last."""
    found = _RETRY_AFTER.findall(stderr)
    return seconds(found[-1]) if found else None
