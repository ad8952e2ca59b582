"""Clone repositories: one function that takes and returns plain data, for any `Executor`."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.git import remote
from ptmtorrent_scrapy.git.cloner import Cloner
from ptmtorrent_scrapy.git.environment import check_url
from ptmtorrent_scrapy.git.error_messages import of_os
from ptmtorrent_scrapy.git.errors import (
    Cancelled,
    DiskError,
    Gated,
    GitError,
    Large,
    LocalChanges,
    Missing,
    NoSpace,
    OverBudget,
    ProgramError,
    Refused,
    TooFewFiles,
    Transient,
    Unavailable,
)
from ptmtorrent_scrapy.git.local import beside
from ptmtorrent_scrapy.git.machine_checks import confirmed
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, CloneStatus, FailureKind
from ptmtorrent_scrapy.git.remote import Upstream
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_STATUSES: dict[type[Exception], CloneStatus] = {
    Refused: CloneStatus.REFUSED,
    Gated: CloneStatus.GATED,
    Missing: CloneStatus.MISSING,
    Large: CloneStatus.LARGE,
}
_FAILURES: dict[type[Exception], FailureKind] = {
    LockHeld: FailureKind.RETRY,
    Unavailable: FailureKind.HOST,
    Transient: FailureKind.RETRY,
    NoSpace: FailureKind.DISK_FULL,
    DiskError: FailureKind.DISK,
    ProgramError: FailureKind.MACHINE,
    OverBudget: FailureKind.BUDGET,
    LocalChanges: FailureKind.LOCAL_CHANGES,
}


def clone(request: CloneRequest) -> CloneResult:
    """Clone a repository, or bring its clone up to date.

    A repository that cannot be cloned is a result, not an error. Raise `Cancelled` only.
    """
    began = time.monotonic()
    result = CloneResult(url=request.url, started=datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        check_url(request.url, request.protocols)
        with lock(beside(Path(request.path), "lock"), note=f"process {os.getpid()} on {os.uname().nodename}"):
            result.status = Cloner(request, result).run()
    except Cancelled:
        raise
    except (LockHeld, GitError, OSError) as error:
        known = of_os(error) if isinstance(error, OSError) else confirmed(error, Path(request.store).parent)
        _fail(result, known)
        if isinstance(known, TooFewFiles) and request.accept_partial:
            result.failure = FailureKind.MACHINE  # more attempts do not help: it is not the repository's fault
    except Exception as error:  # one bad repository never ends a crawl
        result.error, result.failure = f"internal error: {error!r}; {PLEASE_REPORT}", FailureKind.INTERNAL
    result.seconds = round(time.monotonic() - began, 3)
    return result


def _fail(result: CloneResult, error: Exception) -> None:
    """Fill in the result for an error."""
    result.status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), CloneStatus.FAILED)
    result.failure = next((failure for kind, failure in _FAILURES.items() if isinstance(error, kind)), None)
    result.error = str(error)
    if isinstance(error, Unavailable):
        result.pause = error.pause
    elif isinstance(error, OverBudget):
        result.needed = error.needed
    elif isinstance(error, LockHeld):
        result.error = f"locked by {error or 'another process'}; the next crawl tries again"


def head_commit(request: CloneRequest) -> tuple[str | None, dict[str, bytes]]:
    """Return the commit that a clone would have, and the content of `read_files` if a clone of that commit exists.

    The hub's commit is used, else the server is asked. The commit is None for an empty repository. Raise `GitError`.
    """
    check_url(request.url, request.protocols)
    return Cloner(request, CloneResult(url=request.url)).head_commit()


def redirected(request: CloneRequest) -> str | None:
    """Return the URL that the repository's server redirects to, None if it does not. Raise `GitError`."""
    check_url(request.url, request.protocols)
    return Upstream.of(request, remote.command(request)).redirected()
