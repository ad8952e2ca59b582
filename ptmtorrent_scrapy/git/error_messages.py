"""What git and git-lfs say, in the C locale, of the ways in which a server or a repository fails them."""

import errno
import re
from collections.abc import Sequence

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

_NO_SPACE = ("No space left on device", "no space left on device", "Disk quota exceeded", "disk quota exceeded")
_DISK_ERRORS = (
    *(errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO),
    *(errno.EUCLEAN, errno.EREMOTEIO, errno.EHOSTDOWN),
)
_DISK_WORDS = (  # strerror(3) of the same, in git's and in Go's spelling
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
_STATUS = re.compile(r"(?:returned error: |from HTTP )(\d{3})\b")
_WRONG_CONTENT = "expected OID "  # what git-lfs says of content with another SHA-256


def of_os(error: Exception) -> Exception:
    """Return what an error of the system means for a clone; any other error as it is."""
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return DiskError(f"the disk of the data tree fails: {error.strerror}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace("the disk is full")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return Refused("it has a path that is too long for this file system")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TooFewFiles()
    if isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EAGAIN):
        return Exhausted(TOO_LITTLE_MEMORY)
    return error


def of_disk(lines: Sequence[str]) -> GitError | None:
    """Return how the disk failed, from what a command says itself; a server's own lines begin with `remote:`."""
    own = "\n".join(line for line in lines if not line.startswith("remote:"))
    if found := next((words for words in _DISK_WORDS if words in own), None):
        return DiskError(f"the disk of the data tree fails: {found}")
    return NoSpace("the disk is full") if _any(_NO_SPACE, own) else None


def of_machine(error: CommandFailed) -> GitError | None:
    """Return how this machine failed a command; None where it did not."""
    said = stderr.words(error.stderr)
    if failed := of_disk(said.split("\n")):
        return failed
    if _any(_NO_FILES, said):
        return TooFewFiles()
    if _any(_NO_MEMORY, said):
        return Exhausted(TOO_LITTLE_MEMORY)
    return None


def of_git(error: CommandFailed, *, gated: bool) -> GitError:
    """Why git failed, as one of the kinds of errors; `gated` where the hub says that access is restricted."""
    said = stderr.words(error.stderr)
    status = _status(said)
    if local := of_machine(error):
        return local
    if _any(_UNSAFE, said):
        return Refused(next((line for line in stderr.beside(error.stderr) if line.startswith("error:")), str(error)))
    if status == 403 or (gated and _any(_UNKNOWN_USER, said)):
        return Gated("access is restricted; a token of a user who has access is needed")
    if status in (429, 503) or _any(_UNREACHABLE, said):
        return Unavailable(str(error), stderr.pause(error.stderr))
    if (status is not None and status >= 500) or (_any(_CUT, said) and not _any(_GONE, said)):
        return Transient(str(error))
    if _any(_GONE + _UNKNOWN_USER, said):
        return Missing("there is no such repository, or it is not public")
    return error


def of_lfs(error: CommandFailed) -> GitError:
    """Return why git-lfs failed on this machine; what servers answered is known without its words."""
    if local := of_machine(error):
        return local
    said = stderr.words(error.stderr)
    if _WRONG_CONTENT in said:
        return GitError("their server has other content")
    lines = [line for line in stderr.beside(error.stderr) if not line.startswith("error: failed to fetch")]
    return Transient(f"git-lfs failed: {(lines or ['it gave no reason'])[0][:300]}")


def _any(words: Sequence[str], said: str) -> bool:
    return any(word in said for word in words)


def _status(said: str) -> int | None:
    """The HTTP status of the answer that was the last straw."""
    found = _STATUS.findall(said)
    return int(found[-1]) if found else None
