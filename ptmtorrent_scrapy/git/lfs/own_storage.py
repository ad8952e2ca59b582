"""The LFS objects of one clone, in its `.git/lfs`: links to the stored objects, as many as the clone names.

git-lfs commands that a user runs in a clone, `git lfs prune` above all, remove and replace these links, never the
objects that the clones share. Older versions of this program let git-lfs work in the shared store (`lfs.storage`).
"""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.storage.fsync import sync_paths

_NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS)


def link_objects(clone: Path, wanted: Iterable[Pointer], store: Store) -> list[Pointer]:
    """Link the stored objects among those that a clone wants, bring the links to the disk and return what was new.

    Where the file system has no hard links a relative symbolic link serves; where it has none either, git-lfs would
    download an object again.
    """
    folders: dict[Path, None] = {}
    linked = []
    for pointer in dict.fromkeys(wanted):
        path = _path(clone, pointer.oid)
        if store.has(pointer) and not path.exists():
            path.unlink(missing_ok=True)  # a symbolic link to nowhere
            path.parent.mkdir(parents=True, exist_ok=True)
            if _link(store.object(pointer.oid), path):
                folders |= dict.fromkeys(path.parents[:5])
                linked.append(pointer)
    sync_paths(folders)
    return linked


def not_linked(clone: Path, wanted: Iterable[Pointer]) -> list[Pointer]:
    """Return the objects that a clone does not have yet."""
    return [pointer for pointer in dict.fromkeys(wanted) if not _path(clone, pointer.oid).exists()]


def give_back(clone: Path, missing: Iterable[Pointer], store: Store) -> None:
    """Let the store take back objects that it lost and a clone still has."""
    for pointer in missing:
        store.adopt(pointer, _path(clone, pointer.oid))


def separate(clone: Path, git: Command) -> None:
    """Let git-lfs no longer work in the shared store when a user runs it in a clone."""
    git.run("git", "config", "--unset-all", "lfs.storage", cwd=clone, ok=(0, 5))


def remove_object(clone: Path, oid: str) -> None:
    """Remove a clone's link to an object, so that the last link frees the disk."""
    _path(clone, oid).unlink(missing_ok=True)


def _path(clone: Path, oid: str) -> Path:
    return clone / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def _link(stored: Path, path: Path) -> bool:
    try:
        os.link(stored, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with contextlib.suppress(OSError):
            path.symlink_to(os.path.relpath(stored, path.parent))
            return True
        return False
    return True
