"""Limit the memory of git's processes: git keeps all references that a server sends in memory."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.git.errors import Refused

_ANONYMOUS = re.compile(rb"^RssAnon:\s+(\d+) kB", re.MULTILINE)  # proc(5); files that are mapped do not count


def most() -> int:
    """Return the bytes that one command may use: half of the machine's memory, but at most 4 GiB."""
    return min(1 << 32, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


def check(pid: int, largest: int) -> None:
    """Raise `Refused` if a process and its children use more memory. Only Linux says how much."""
    if (taken := sum(map(_taken, _processes(pid)))) > largest:
        raise Refused(f"git takes more than {largest} bytes of memory for it: {taken}")


def _processes(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _processes(int(child))


def _taken(pid: int) -> int:
    with contextlib.suppress(OSError):
        if found := _ANONYMOUS.search(Path(f"/proc/{pid}/status").read_bytes()):
            return int(found[1]) * 1024
    return 0
