"""Sync files and their folders with fsync(2), so that they survive a power failure."""

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from ptmtorrent_scrapy.storage.folders import walk

_MANY = 1000  # files; for more, one sync(2) of everything is faster


def sync(folder: Path) -> None:
    """Sync a folder and everything below it to the disk; files with several links were synced before."""
    files, folders = [], []
    for path, _, names in walk(folder):
        folders.append(path)
        files += [os.path.join(path, name) for name in names]
        if len(files) > _MANY:  # the rest is not even listed: a package has millions
            os.sync()
            return
    sync_paths(file for file in files if _has_content_of_its_own(file))
    sync_paths(reversed(folders))


def _has_content_of_its_own(path: str) -> bool:
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def sync_paths(paths: Iterable[str | Path]) -> None:
    """Sync files and the entries of folders to the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            with contextlib.suppress(PermissionError, NotImplementedError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Rename a synced file or folder, and sync its new name."""
    source.rename(target)
    sync_paths([target.parent])
