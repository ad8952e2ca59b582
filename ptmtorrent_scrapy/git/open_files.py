"""The limit of open files (`ulimit -n`), and the number of clones that it allows."""

import contextlib
import resource

_MOST = 65_536  # no more are ever needed
_BESIDE = 100  # open files of a crawl besides its clones
_PER_CLONE = 16  # pipes of git or git-lfs, locks, and both ends of each connection


def limit() -> int:
    """Return how many files this process may have open after `raise_limit`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if hard == resource.RLIM_INFINITY else hard


def raise_limit() -> None:
    """Raise the limit of open files of this process and its children to the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(_MOST, limit())
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def clones_at_once() -> int:
    """Return how many clones may run at a time."""
    return max(0, limit() - _BESIDE) // _PER_CLONE
