"""Move LFS objects with wrong content aside until they are downloaded again.

Working trees of clones may still link to such a file. If the disk has changed the file, it gets the right content
back, and with it all these clones. If somebody has written to it, it may be a user's work: it is kept in the
store's folder `written`, and clones that link to it get the new file at their next update.
"""

import contextlib
import os
import shutil
from pathlib import Path

from ptmtorrent_scrapy.storage.fsync import rename, sync_paths


def exists(stored: Path) -> bool:
    """Return whether a file of an object exists, in its place or moved aside."""
    return any(path.exists() for path in (stored, _written(stored), _damaged(stored)))


def move_aside(stored: Path, *, is_written: bool) -> None:
    """Move an object aside, so that it is downloaded again."""
    rename(stored, _written(stored) if is_written else _damaged(stored))


def put_back(stored: Path) -> None:
    """Move an object back that could not be downloaded again."""
    for aside in (_written(stored), _damaged(stored)):
        if aside.exists() and not stored.exists():
            rename(aside, stored)


def replace(stored: Path, written: Path) -> bool:
    """Replace the file that was moved aside with the downloaded object; return whether the object is a new file.

    `written` is the folder for files that somebody has written to.
    """
    with contextlib.suppress(FileNotFoundError):
        name = f"{stored.name}.{_written(stored).stat().st_mtime_ns}"
        written.mkdir(exist_ok=True)
        rename(_written(stored), written / name)
    damaged = _damaged(stored)
    try:
        links = damaged.stat().st_nlink
    except FileNotFoundError:
        return False
    if links > 1 and stored.stat().st_nlink == 1:  # otherwise a clone already has the new one
        with contextlib.suppress(OSError):  # the clones then get the new one in their next update
            _mend(damaged, stored)
            return True
    damaged.unlink(missing_ok=True)
    return False


def _mend(damaged: Path, stored: Path) -> None:
    """Write the content of an object into the damaged file, and move that back to its place.

    The file keeps its time, since git considers a file with another time as changed. The name of a damaged file
    stays until then, so an interrupted repair is repeated.
    """
    status = damaged.stat()
    damaged.chmod(0o644)
    try:
        with stored.open("rb") as right, damaged.open("r+b") as wrong:
            shutil.copyfileobj(right, wrong, 1 << 20)
    finally:
        os.utime(damaged, ns=(status.st_atime_ns, status.st_mtime_ns))
        damaged.chmod(0o444)
    sync_paths([damaged])
    rename(damaged, stored)


def _damaged(stored: Path) -> Path:
    return stored.with_name(f".{stored.name}~damaged")


def _written(stored: Path) -> Path:
    return stored.with_name(f".{stored.name}~written")
