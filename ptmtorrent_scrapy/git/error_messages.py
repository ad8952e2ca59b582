"""Turn messages of git and git-lfs, in the C locale, into errors."""

import errno
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ptmtorrent_scrapy.git import stderr
from ptmtorrent_scrapy.git.command import CommandFailed
from ptmtorrent_scrapy.git.errors import (
    DiskError,
    Exhausted,
    Gated,
    GitError,
    Missing,
    NoSpace,
    Refused,
    TooFewFiles,
    Transient,
    Unavailable,
)
from ptmtorrent_scrapy.storage.disk_errors import is_full

_NO_SPACE = ("No space left on device", "no space left on device", "Disk quota exceeded", "disk quota exceeded")
_DISK_ERRORS = (
    *(errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO),
    *(errno.EUCLEAN, errno.EREMOTEIO, errno.EHOSTDOWN),
)
_DISK_WORDS = (  # strerror(3) of these errors, in git's and in Go's spelling
    *("Read-only file system", "read-only file system", "Input/output error", "input/output error"),
    *("Stale file handle", "stale file handle", "stale NFS file handle", "Structure needs cleaning"),
    *("Transport endpoint is not connected", "transport endpoint is not connected", "structure needs cleaning"),
    *("Remote I/O error", "remote I/O error", "No such device", "no such device"),
)
_NO_FILES = ("Too many open files", "too many open files")
_NO_MEMORY = (
    *("Cannot allocate memory", "cannot allocate memory", "out of memory", "Out of memory"),
    *("unable to create thread", "unable to create threaded", "Resource temporarily unavailable"),
)
TOO_LITTLE_MEMORY = "this machine has not enough memory, or too many processes; lower CLONE_CONCURRENCY"
_UNSAFE = ("fsck", "not allowed", "refusing to", "invalid path", "disallowed", "malformed")
_GONE = (
    "not found",
    "error: 404",
    "error: 410",
    "error: 451",
    "is this a git repository",
    "does not appear to be a git",
)
_UNKNOWN_USER = ("could not read Username", "could not read Password", "Authentication failed", "error: 401")
_UNREACHABLE = (
    "Could not resolve host",
    "Failed to connect",
    "Couldn't connect",
    "Connection refused",
    "connection refused",
    "no such host",
    "Network is unreachable",
    "No route to host",
)
_CUT = (
    "Connection reset",
    "connection reset",
    "early EOF",
    "unexpected EOF",
    "unexpected disconnect",
    "hung up unexpectedly",
    "transfer closed",
    "Empty reply",
    "RPC failed",
    "timed out",
    "timeout",
    "too slow",
    "SSL_read",
    "SSL connect error",
    "TLS connection was non-properly terminated",
    "GnuTLS recv error",
    "EOF",
)
_TOO_LONG = ("File name too long",)
_RESTRICTED = "access is restricted; a token of a user who has access is needed"
_ABSENT = "the repository does not exist, or it is not public"
# A server's message with a 401 or 403 affects only its own repository.
_LIMITED = re.compile(r"rate.?limit|too many requests|abuse detection|throttl|slow down|come back (?:in|later)", re.I)
_CLOSED = re.compile(
    r"disabled|blocked|suspended|banned|taken down|take.?down|dmca|removed by|violat|terms of (?:service|use)|legal",
    re.I,
)
_OVER_LIMIT = re.compile(r"storage|quota|billing|payment|over (?:its|the|their) limit", re.I)
_STATUS = re.compile(r"(?:returned error: |from HTTP )(\d{3})\b")
_WRONG_CONTENT = "expected OID "  # git-lfs's message about content with another SHA-256


def of_os(error: Exception) -> Exception:
    """Return the error of a clone for a system error; return any other error unchanged."""
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return DiskError(f"the disk of the data tree fails: {error.strerror}")
    if is_full(error):
        return NoSpace("the disk is full")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return Refused("it has a path that is too long for this file system")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TooFewFiles()
    if isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EAGAIN):
        return Exhausted(TOO_LITTLE_MEMORY)
    return error


def of_disk(own: str) -> GitError | None:
    """Return the error of the disk in a command's own messages, or None."""
    if found := next((words for words in _DISK_WORDS if words in own), None):
        return DiskError(f"the disk of the data tree fails: {found}")
    return NoSpace("the disk is full") if _any(_NO_SPACE, own) else None


def of_machine(error: CommandFailed) -> GitError | None:
    """Return the error of this machine behind a failed command; None if it is not the cause."""
    text = stderr.local_messages(error.stderr)
    if failed := of_disk(text):
        return failed
    if _any(_NO_FILES, text):
        return TooFewFiles()
    if _any(_NO_MEMORY, text):
        return Exhausted(TOO_LITTLE_MEMORY)
    return None


@dataclass(frozen=True)
class _Failure:
    """Properties of a failed git command that contacted a server."""

    error: CommandFailed
    gated: bool  # the hub says that access is restricted

    @cached_property
    def own(self) -> str:
        return stderr.local_messages(self.error.stderr)

    @cached_property
    def status(self) -> int | None:
        return _status(self.own)

    @cached_property
    def reason(self) -> str:
        return stderr.reason(self.error.stderr)

    @property
    def answer(self) -> str:
        """Return the status and the server's message."""
        status = f"HTTP {self.status}" if self.status else "the server says"
        return f"{status}: {self.reason}" if self.reason else status

    def says(self, words: Sequence[str]) -> bool:
        return _any(words, self.own)

    def is_refused_with(self, words: "re.Pattern[str]") -> bool:
        return self.status in (401, 403) and words.search(self.reason) is not None

    @property
    def is_limited(self) -> bool:
        is_named = self.is_refused_with(_LIMITED) or (self.status == 403 and stderr.is_rate_limited(self.error.stderr))
        return self.status in (429, 503) or is_named or self.says(_UNREACHABLE)

    @property
    def is_passing(self) -> bool:
        return (self.status or 0) >= 500 or (self.says(_CUT) and not self.says(_GONE))

    @property
    def unsafe_line(self) -> str:
        return next((line for line in self.own.split("\n") if line.startswith("error:")), str(self.error))


# The first rule whose condition is true decides.
_RULES: tuple[tuple[Callable[[_Failure], bool], Callable[[_Failure], GitError]], ...] = (
    (lambda failure: failure.says(_UNSAFE), lambda failure: Refused(failure.unsafe_line)),
    (
        lambda failure: failure.is_limited,
        lambda failure: Unavailable(_with_answer(failure), stderr.pause(failure.error.stderr)),
    ),
    (
        lambda failure: failure.status in (410, 451) or failure.is_refused_with(_CLOSED),
        lambda failure: Missing(f"its server has closed it ({failure.answer})"),
    ),
    (
        lambda failure: failure.is_refused_with(_OVER_LIMIT),
        lambda failure: GitError(f"its server refuses it ({failure.answer})"),
    ),
    (
        lambda failure: failure.status == 403 or (failure.gated and failure.says(_UNKNOWN_USER)),
        lambda failure: Gated(f"{_RESTRICTED} ({failure.answer})" if failure.reason else _RESTRICTED),
    ),
    (lambda failure: failure.is_passing, lambda failure: Transient(_with_answer(failure))),
    (
        lambda failure: failure.says(_GONE + _UNKNOWN_USER),
        lambda failure: Missing(f"{_ABSENT} ({failure.answer})" if failure.reason else _ABSENT),
    ),
)


def of_git(error: CommandFailed, *, gated: bool) -> GitError:
    """Return the error for a failed git command; `gated` means that the hub restricts access."""
    failure = _Failure(error, gated)
    if failure.says(_TOO_LONG):  # the message has the path, which may contain any words
        return Refused("it has a path that is too long for this file system")
    if local := of_machine(error):
        return local
    return next((kind(failure) for holds, kind in _RULES if holds(failure)), error)


def _with_answer(failure: _Failure) -> str:
    if failure.status == 403:
        return f"its server limits requests ({failure.answer})"
    return f"{failure.answer} ({failure.error})" if failure.reason else str(failure.error)


def of_lfs(error: CommandFailed) -> GitError:
    """Return why git-lfs failed on this machine; answers of servers are known from the gateway."""
    if local := of_machine(error):
        return local
    text = stderr.messages(error.stderr)
    if _WRONG_CONTENT in text:
        return GitError("their server has other content")
    lines = [line for line in stderr.message_lines(error.stderr) if not line.startswith("error: failed to fetch")]
    return Transient(f"git-lfs failed: {(lines or ['it gave no reason'])[0][:300]}")


def _any(words: Sequence[str], text: str) -> bool:
    return any(word in text for word in words)


def _status(text: str) -> int | None:
    """Return the HTTP status of the last failed request."""
    found = _STATUS.findall(text)
    return int(found[-1]) if found else None
