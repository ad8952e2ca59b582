"""Start processes, each in its own process group that ends with this process and can be cancelled.

A group survives if its parent is killed. So one small shell, in its own session, holds the read end of a
pipe: it gets the id of each group, and kills the remaining ones when the write end closes, however this process dies.
"""

import atexit
import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Sequence

from ptmtorrent_scrapy.git.errors import Cancelled
from ptmtorrent_scrapy.git.open_files import raise_limit

_MEMORY = 8 << 30  # bytes of data of a process: a small pack may expand to any size

_WATCHDOG = """
groups=" "
while read -r verb group; do
  case $verb in
    start) groups="$groups$group " ;;
    end) groups="${groups%%" $group "*} ${groups#*" $group "}" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"""


class _Watchdog:
    """Kills the process groups that this process leaves behind."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C on the terminal is not for it
        )

    def send(self, verb: str, group: int) -> None:
        assert self._shell.stdin is not None
        os.write(self._shell.stdin.fileno(), f"{verb} {group}\n".encode())

    def close(self) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait()


_lock = threading.Lock()
_watchdog: _Watchdog | None = None
_groups: dict[int, str] = {}  # process group -> the scope it runs for
_cancelled: set[str] = set()


def start(scope: str, arguments: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
    """Start a process for `scope`; the caller must `end` it. Raise `Cancelled`."""
    global _watchdog
    with _lock:
        if scope in _cancelled:
            raise Cancelled("the crawl ends")
        if _watchdog is None or _watchdog.owner != os.getpid():
            raise_limit()
            _watchdog = _Watchdog()
        process: subprocess.Popen[bytes] = subprocess.Popen(
            arguments,
            process_group=0,
            **options,  # type: ignore[call-overload]  # the caller's, for Popen
        )
        _groups[process.pid] = scope
        _watchdog.send("start", process.pid)
        _limit_memory(process.pid)
    return process


def _limit_memory(pid: int) -> None:
    """Limit the memory of a process and its children, if the system can."""
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (_MEMORY, _MEMORY))


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the rest of the group and forget it; the leader is reaped last, so that its id is not reused before."""
    with _lock:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _groups.pop(process.pid, None)
        process.wait()
        if _watchdog is not None and _watchdog.owner == os.getpid():
            _watchdog.send("end", process.pid)


def cancel(scope: str) -> None:
    """Kill every process of `scope`, and prevent new ones."""
    with _lock:
        _cancelled.add(scope)
        for group in [group for group, of in _groups.items() if of == scope]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def cancelled(scope: str) -> bool:
    """Return whether `cancel` was called for `scope`."""
    return scope in _cancelled


def close_watchdog() -> None:
    """End the shell that watches over this process's groups; the next command starts another."""
    global _watchdog
    with _lock:
        if _watchdog is not None and not _groups:
            if _watchdog.owner == os.getpid():
                _watchdog.close()
            _watchdog = None


atexit.register(close_watchdog)
