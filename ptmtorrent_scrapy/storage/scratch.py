"""Temporary folders of `scrapy plan` in the data tree: removed at its end, else by the next plan or crawl."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_PREFIX = ".plan~"
_LOCK = ".plan~lock"
_YOUNG = 60.0  # seconds during which a new folder may have no lock yet


@contextlib.contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """Yield a new folder, and remove it at the end. Raise `OSError`."""
    remove_left(root)
    folder = Path(tempfile.mkdtemp(dir=root, prefix=_PREFIX))
    try:
        with lock(folder / _LOCK):
            yield folder
    finally:
        folders.remove(folder)


def remove_left(root: Path) -> None:
    """Remove the temporary folders of killed processes."""
    for folder in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(LockHeld, OSError):
            if (folder / _LOCK).exists() or not 0 <= time.time() - folder.stat().st_mtime <= _YOUNG:
                with lock(folder / _LOCK):
                    folders.remove(folder)
