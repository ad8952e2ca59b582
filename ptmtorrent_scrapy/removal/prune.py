"""Files that can be removed without losing data: unused LFS objects, old snapshots, the cache, leftovers."""

import os
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.lfs.pointers import of_all_commits
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.removal.removal import CannotRemove, Kind, Removal, freed
from ptmtorrent_scrapy.snapshots.writer import names
from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.tree import DataTree, is_work

_OBJECT = frozenset("0123456789abcdef")


def unused_objects(tree: DataTree, git: Command) -> Iterator[Removal]:
    """Yield the large files that no commit of any clone names. Raise `CannotRemove` if a clone cannot be read."""
    named: set[bytes] = set()
    for clone in _clones(tree):
        try:
            named.update(bytes.fromhex(oid) for oid in of_all_commits(git, clone))
        except (GitError, OSError) as error:
            raise CannotRemove(
                f"{clone}: {error}; its large files are not known, so none is removed; run: scrapy verify {tree.hub}"
            ) from None
    store = Store(tree.store)
    for folder in folders.walk(tree.store / "objects"):
        for name in folder.files:
            path = Path(folder.path, name)
            is_object = len(name) == 64 and _OBJECT.issuperset(name) and path == store.object(name)
            if is_object and bytes.fromhex(name) not in named:
                yield Removal(kind=Kind.OBJECT, path=path, bytes=freed(path))


def old_snapshots(tree: DataTree, keep: int) -> Iterator[Removal]:
    """Yield the earliest snapshots beyond the number to keep; with 0, all of them."""
    found = names(tree)
    for name in found[: len(found) - keep if keep < len(found) else 0]:
        yield Removal(kind=Kind.SNAPSHOT, path=tree.snapshots / name, bytes=freed(tree.snapshots / name))


def cache(tree: DataTree) -> Iterator[Removal]:
    """Yield the cache of pages, which the next crawl downloads again."""
    path = tree.folder / "cache"
    if path.is_dir():
        yield Removal(kind=Kind.CACHE, path=path, bytes=freed(path))


def leftovers(tree: DataTree, *, keep_listing: bool) -> Iterator[Removal]:
    """Yield temporary files of killed processes. The caller holds the lock of the tree.

    `keep_listing` keeps an interrupted listing and what belongs to it, from which the next crawl can resume.
    """
    for folder in (tree.folder, tree.snapshots, tree.folder / "json" / "metadata", tree.folder / "html"):
        yield from _work(folder)
    if not keep_listing:
        yield from _work(tree.folder / "json")
    for author in _entries(tree.folder / "repos"):
        yield from _work(author)
    for name in ("incomplete", "tmp"):
        for path in _entries(tree.store / name):
            yield Removal(kind=Kind.LEFTOVER, path=path, bytes=freed(path))


def is_resumable(tree: DataTree, now: float, longest: float) -> bool:
    """Return whether an interrupted listing is not older than `longest` seconds."""
    try:
        return 0 <= now - tree.work.stat().st_mtime <= longest
    except FileNotFoundError:
        return False


def _clones(tree: DataTree) -> Iterator[Path]:
    """Yield all clones, including incomplete ones, which may need their large files."""
    for author in _entries(tree.folder / "repos"):
        yield from (path for path in _entries(author) if (path / ".git").is_dir())


def _work(folder: Path) -> Iterator[Removal]:
    for path in _entries(folder):
        if is_work(path.name) and not path.name.endswith("~lock"):
            yield Removal(kind=Kind.LEFTOVER, path=path, bytes=freed(path))


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(Path(entry.path) for entry in os.scandir(folder))
