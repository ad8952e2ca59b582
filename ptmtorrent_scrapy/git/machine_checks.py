"""Check faults of the machine: git prints names and messages that servers and repositories choose.

Such words could end a crawl, as a full disk does. They count only if a small test confirms the fault.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from ptmtorrent_scrapy.git.errors import DiskError, NoSpace, TooFewFiles, Transient

_ROOM = 256 << 20  # bytes of free space with which a disk is not full
_TRIAL = bytes(1 << 16)
_FILES = 64


def confirmed(error: Exception, folder: Path) -> Exception:
    """Return an error from git's messages, or a temporary one of the repository if the machine has no such fault.

    `folder` is on the disk of the data tree.
    """
    if isinstance(error, NoSpace) and _has_room(folder) and _can_write(folder):
        return Transient(f"git says that {error}, but there is free space")
    if isinstance(error, DiskError) and _can_write(folder):
        return Transient(f"git says that {error}, but files can be written")
    if isinstance(error, TooFewFiles) and _can_open():
        return Transient("git says that it can open no more files, but this program can")
    return error


def _has_room(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= _ROOM and (found.f_files == 0 or found.f_favail > _FILES)


def _can_write(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_TRIAL)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _can_open() -> bool:
    with contextlib.ExitStack() as files:
        try:
            for _ in range(_FILES):
                files.enter_context(open(os.devnull, "rb"))
        except OSError:
            return False
    return True
