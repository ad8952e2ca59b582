"""The limit of open files (`ulimit -n`), and the number of clones that it allows."""

import contextlib
import resource

_MOST = 65_536  # beyond which nothing here needs more
_BESIDE = 100  # open files of a crawl beside its clones
_PER_CLONE = 16  # pipes of git or git-lfs, locks, and both ends of each connection


def limit() -> int:
    """Return how many files this process may have open once `raise_limit` was called."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if hard == resource.RLIM_INFINITY else hard


def raise_limit() -> None:
    """Let this process, and those that it starts, have as many files open as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(_MOST, limit())
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def clones_at_once() -> int:
    """Return how many clones may run at a time."""
    return max(0, limit() - _BESIDE) // _PER_CLONE
