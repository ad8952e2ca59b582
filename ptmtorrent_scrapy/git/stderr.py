"""Parse answers of servers in git's trace on standard error (`GIT_TRACE_CURL`).

Servers and repositories choose the URLs, headers and text in it, so these only decide about their own refusal.
"""

import re

from ptmtorrent_scrapy.formats.retry_after import seconds

_TRACED = re.compile(r"^\d\d:\d\d:\d\d\.\d+ .*$", re.MULTILINE)
_NAMES = re.compile(r"'[^'\n]*'|[a-z]+://[^\s']+")
_RETRY_AFTER = re.compile(r"^\S+ \S+ +<= Recv header: retry-after:([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


_ERROR_HEADER = re.compile(r"^\S+ \S+ +<= Recv header: x-error-message:([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_LIMITED_HEADER = re.compile(
    r"^\S+ \S+ +<= Recv header: (?:retry-after:|x-ratelimit-remaining: *0\b|ratelimit:.*\br=0\b)",
    re.IGNORECASE | re.MULTILINE,
)
# Progress messages of git's server: https://git-scm.com/docs/pack-protocol, side-band channel 2
_PROGRESS = re.compile(r"[A-Z][a-z]+ [a-z ]*objects: +\d|Total \d+ \(delta \d")
_REASON = 300  # characters of a server's message


def reason(stderr: str) -> str:
    """Return a server's message about its refusal: the hub's header, else a plain text that git shows; or ""."""
    header = [words.strip() for words in _ERROR_HEADER.findall(stderr)[-1:]]
    server_lines = [
        line.removeprefix("remote:").strip() for line in message_lines(stderr) if line.startswith("remote:")
    ]
    text = header or [line for line in server_lines if not _PROGRESS.match(line)]
    plain = "".join(each if each.isprintable() else " " for each in " ".join(text))
    return " ".join(plain.split())[:_REASON]


def is_rate_limited(stderr: str) -> bool:
    """Return whether headers of an answer say that there were too many requests."""
    return _LIMITED_HEADER.search(stderr) is not None


def local_messages(stderr: str) -> str:
    """Return git's own messages besides the trace, without paths, URLs and a server's messages."""
    lines = (line.partition("remote error:")[0] for line in message_lines(stderr) if not line.startswith("remote:"))
    return _NAMES.sub("NAME", "\n".join(lines))


def message_lines(stderr: str) -> list[str]:
    """Return the lines that are not part of the trace."""
    text = _TRACED.sub("", stderr)
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]


def messages(stderr: str) -> str:
    """Return the messages besides the trace, without paths and URLs."""
    return _NAMES.sub("NAME", "\n".join(message_lines(stderr)))


def pause(stderr: str) -> float | None:
    """Return the pause in seconds that a server demanded last."""
    found = _RETRY_AFTER.findall(stderr)
    return seconds(found[-1]) if found else None
