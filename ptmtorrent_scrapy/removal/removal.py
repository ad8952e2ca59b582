"""One thing that can be removed."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.fsync import rename


class Kind(StrEnum):
    """One file or folder to remove."""

    CLONE = "clone"
    HUB = "hub"
    OBJECT = "large file"
    SNAPSHOT = "snapshot"
    CACHE = "cache"
    LEFTOVER = "leftover"


class CannotRemove(Exception):
    """Something cannot be removed; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A file or folder to remove, and the bytes that this frees."""

    kind: Kind
    path: Path
    bytes: int

    def run(self) -> None:
        """Remove it. A folder is renamed first, so that it is never seen half-removed. Raise `OSError`."""
        folders.remove(self.aside())

    def aside(self) -> Path:
        """Rename the file or folder to a temporary name, and return that. Raise `OSError`."""
        aside = self.path.with_name(f".{self.path.name}~removed")
        if os.path.lexists(self.path):
            folders.remove(aside)
            rename(self.path, aside)
        return aside


def freed(path: Path) -> int:
    """Return the bytes freed by removing a file or folder: files without another link, each counted once."""
    if not path.is_dir() or path.is_symlink():
        return _bytes([path])
    return _bytes(Path(folder.path, name) for folder in folders.walk(path) for name in folder.files)


def _bytes(files: Iterable[Path]) -> int:
    """Return the sum of the sizes of files all of whose links are included."""
    seen: dict[tuple[int, int], int] = {}
    total = 0
    for file in files:
        stat = os.lstat(file)
        if stat.st_nlink > 1:
            key = (stat.st_dev, stat.st_ino)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] < stat.st_nlink:
                continue
        total += stat.st_size
    return total
