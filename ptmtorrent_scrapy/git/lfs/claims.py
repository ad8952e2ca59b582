"""Claim objects, so that two clones, even on two machines, do not download the same object at once.

A claim is one locked file that lists objects, so it needs only one open file. It ends with the process that holds it.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_MUTEX = "mutex"  # held while a claim is made
_WAIT = 0.005  # seconds
_LONGEST = 60.0  # seconds to wait for a mutex that is held for milliseconds


@contextlib.contextmanager
def claim(folder: Path, objects: Sequence[Pointer]) -> Iterator[list[Pointer]]:
    """Claim the objects that no other clone downloads, and yield them; `folder` has the claims. Raise `LockHeld`."""
    with contextlib.ExitStack() as held:
        with _mutex(folder):
            taken = _taken(folder)
            ours = [pointer for pointer in objects if pointer.oid not in taken]
            if ours:
                path = folder / f"{os.getpid()}-{secrets.token_hex(8)}"
                held.enter_context(lock(path, note="".join(f"{pointer.oid}\n" for pointer in ours)))
        yield ours


def remove_left(folder: Path) -> None:
    """Remove the claims of processes that were killed."""
    for path in folder.glob("*"):
        with contextlib.suppress(LockHeld), lock(path):
            pass


@contextlib.contextmanager
def _mutex(folder: Path) -> Iterator[None]:
    until = time.monotonic() + _LONGEST
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(lock(folder / _MUTEX))
                break
            except LockHeld:
                if time.monotonic() > until:
                    raise LockHeld(f"a process that hangs and holds {folder / _MUTEX}") from None
                time.sleep(_WAIT)
        yield


def _taken(folder: Path) -> set[str]:
    """Return the ids of the objects that others are downloading."""
    taken: set[str] = set()
    for path in folder.glob("*-*"):
        try:
            with lock(path):  # its process has ended
                pass
        except LockHeld:
            with contextlib.suppress(FileNotFoundError):
                taken.update(path.read_text().split())
    return taken
