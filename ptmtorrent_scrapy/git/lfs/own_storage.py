"""The LFS objects of one clone in its `.git/lfs`: links to those stored objects that the clone names.

git-lfs commands of a user in a clone, such as `git lfs prune`, remove and replace these links, never the
objects that the clones share. Older versions of this program let git-lfs work in the shared store (`lfs.storage`).
"""

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.storage.fsync import sync_paths

_NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS)


def link_objects(clone: Path, wanted: Iterable[Pointer], store: Store) -> list[Pointer]:
    """Link the stored objects among those of a clone, sync the links, and return the new ones.

    They are relative symbolic links, so that the objects keep one link per working tree and `scrapy prune` frees them;
    hard links if the file system has no symbolic links. Without either, git-lfs would download an object again.
    """
    folders: dict[Path, None] = {}
    linked = []
    for pointer in dict.fromkeys(wanted):
        path = _path(clone, pointer.oid)
        if store.has(pointer) and not _is_same(path, store.object(pointer.oid)):
            path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            if _link(store.object(pointer.oid), path):
                folders |= dict.fromkeys(path.parents[:5])
                linked.append(pointer)
    sync_paths(folders)
    return linked


def not_linked(clone: Path, wanted: Iterable[Pointer]) -> list[Pointer]:
    """Return the objects that a clone does not have yet."""
    return [pointer for pointer in dict.fromkeys(wanted) if not _path(clone, pointer.oid).exists()]


def give_back(clone: Path, files: Mapping[bytes, Pointer], store: Store) -> None:
    """Restore objects that the store has lost from a clone's working tree or its own storage."""
    for name, pointer in files.items():
        for path in (Path(os.path.join(os.fsdecode(clone), os.fsdecode(name))), _path(clone, pointer.oid)):
            if not store.has(pointer):
                store.adopt(pointer, path)


def separate(clone: Path, git: Command) -> None:
    """Stop git-lfs commands of a user in a clone from using the shared store."""
    git.run("git", "config", "--unset-all", "lfs.storage", cwd=clone, ok=(0, 5))


def _path(clone: Path, oid: str) -> Path:
    return clone / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def _is_same(path: Path, stored: Path) -> bool:
    try:
        return path.samefile(stored)
    except FileNotFoundError:
        return False


def _link(stored: Path, path: Path) -> bool:
    """Link to an object; return whether the file system has links of any kind."""
    for make, target in ((os.symlink, os.path.relpath(stored, path.parent)), (os.link, os.fspath(stored))):
        try:
            make(target, path)
            return True
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
    return False
