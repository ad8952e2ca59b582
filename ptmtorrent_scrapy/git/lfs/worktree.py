"""LFS files in the working tree of a clone: links to, or copies of, the objects that the clones share.

This module follows no symbolic link: every folder on the path of a file is opened as a folder or not at all.
"""

import contextlib
import errno
import os
import shutil
import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git.index import IndexEntry

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs.pointers import POINTER_BYTES, Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.storage.fsync import sync_paths

_TEMPORARY = "ptmtorrent~placed"  # in .git, where no file of the repository is
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS)


def place(clone: Path, files: Mapping[bytes, Pointer], store: Store, *, git: Command, link: bool) -> bool:
    """Replace pointer files with the stored objects; return whether all could be linked, if links are requested.

    Files whose object is not stored stay pointers. git's index gets the new sizes and times, so that `git status` has
    nothing to read again. All changes are synced to the disk.
    """
    linked, placed = True, []
    for path, pointer in files.items():
        if store.has(pointer) and (folder := _open_folder(clone, path)) is not None:
            try:
                linked &= _place(clone, store.object(pointer.oid), pointer.size, folder, path.rpartition(b"/")[2], link)
            finally:
                os.close(folder)
            placed.append(path)
    if placed:
        try:
            _refresh_index(clone, placed)
        except Exception:  # GitPython cannot read names that are not UTF-8, nor SHA-256 ids
            _forget_status(clone, placed, git)
        assume_unchanged(clone, [path for path in placed if not files[path].is_canonical], git)
        _sync_folders(clone, placed)
    _settle_index(clone)
    return linked


def _settle_index(clone: Path) -> None:
    """Let git trust the times in its index: it would compare files as new as the index again, with their filters.

    A file that `.gitattributes` assigns to git-lfs, but that git has itself, would then count as changed.
    """
    index = clone / ".git" / "index"
    with contextlib.suppress(FileNotFoundError):
        later = time.time_ns() + 10**9
        os.utime(index, ns=(later, later))


def assume_unchanged(clone: Path, paths: Iterable[bytes], git: Command) -> None:
    """Stop git from comparing files with pointers that git-lfs would write differently."""
    if stdin := b"".join(path + b"\0" for path in paths):
        git.run("git", "update-index", "-z", "--assume-unchanged", "--stdin", cwd=clone, stdin=stdin)


def compare_again(clone: Path, git: Command) -> None:
    """Let git compare all files again, as needed to check out another commit."""
    listed = git.run("git", "ls-files", "-v", "-z", cwd=clone).split(b"\0")
    if stdin := b"".join(entry[2:] + b"\0" for entry in listed if entry[:1].islower()):
        git.run("git", "update-index", "-z", "--no-assume-unchanged", "--stdin", cwd=clone, stdin=stdin)


def _sync_folders(clone: Path, paths: Iterable[bytes]) -> None:
    """Sync the folders of files in the working tree to the disk."""
    for path in {path.rpartition(b"/")[0]: path for path in paths}.values():
        if (descriptor := _open_folder(clone, path)) is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def remove(clone: Path, files: Iterable[bytes]) -> None:
    """Remove files from the working tree, so that a checkout writes them again."""
    for path in files:
        if (folder := _open_folder(clone, path)) is not None:
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path.rpartition(b"/")[2], dir_fd=folder)
            finally:
                os.close(folder)


def _open_folder(clone: Path, path: bytes) -> int | None:
    """Open the folder of a file without following a link; None if it does not exist."""
    descriptor = os.open(clone, os.O_RDONLY | os.O_DIRECTORY)
    for folder in path.split(b"/")[:-1]:
        try:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                raise
            return None
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _place(clone: Path, stored: Path, size: int, folder: int, name: bytes, link: bool) -> bool:
    """Put a file in place; return whether it could be linked, if links are requested."""
    if _is_placed(stored, size, folder, name, link):
        return True
    if stored.stat().st_mode & 0o222:
        stored.chmod(0o444)
    temporary = clone / ".git" / _TEMPORARY
    temporary.unlink(missing_ok=True)
    linked = link and _link(stored, temporary)
    if not linked:
        _copy(stored, temporary)
        sync_paths([temporary])
    os.replace(temporary, name, dst_dir_fd=folder)
    return linked or not link


def _is_placed(stored: Path, size: int, folder: int, name: bytes, link: bool) -> bool:
    """Return whether the file is in place; a copy is recognised by its size, unless a pointer may have it, too."""
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    same = os.path.samestat(now, stored.stat())
    return same if link else not same and now.st_size == size and size not in POINTER_BYTES


def _link(stored: Path, target: Path) -> bool:
    try:
        os.link(stored, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def _copy(stored: Path, target: Path) -> None:
    """Copy, sharing the blocks if the file system can: copy_file_range(2) does that by itself."""
    with stored.open("rb") as source, target.open("xb") as copy:
        try:
            while os.copy_file_range(source.fileno(), copy.fileno(), 1 << 30):
                pass
        except (OSError, AttributeError):  # not on this file system, not on this system
            source.seek(0)
            copy.truncate(0)
            copy.seek(0)
            shutil.copyfileobj(source, copy, 1 << 20)


def _refresh_index(clone: Path, paths: Iterable[bytes]) -> None:
    """Write the lstat(2) status of the files into git's index (gitformat-index(5)), as `git update-index` does."""
    from git import Repo  # its import starts git, which a crawl without clones does not need
    from git.index.base import IndexFile

    with Repo(clone) as repository:
        index = IndexFile(repository)
        changed = False
        for path in paths:
            key = (path.decode(), 0)
            fresh = _entry(index.entries[key], os.lstat(os.fsencode(clone) + b"/" + path))
            changed |= fresh != index.entries[key]
            index.entries[key] = fresh
        if changed:
            index.write()


def _forget_status(clone: Path, paths: Iterable[bytes], git: Command) -> None:
    """Clear sizes and times of the files in git's index, so that the next `git status` reads them once."""
    listed = git.run("git", "ls-files", "--stage", "-z", cwd=clone).split(b"\0")[:-1]
    names = set(paths)
    entries = b"".join(entry + b"\0" for entry in listed if entry.partition(b"\t")[2] in names)
    git.run("git", "update-index", "-z", "--index-info", cwd=clone, stdin=entries)


def _entry(entry: "IndexEntry", status: os.stat_result) -> "IndexEntry":
    """Return the entry with another file status; git keeps the lower 32 bits of each number."""
    return entry._replace(
        ctime_bytes=_time(status.st_ctime_ns),
        mtime_bytes=_time(status.st_mtime_ns),
        dev=status.st_dev & 0xFFFFFFFF,
        inode=status.st_ino & 0xFFFFFFFF,
        uid=status.st_uid & 0xFFFFFFFF,
        gid=status.st_gid & 0xFFFFFFFF,
        size=status.st_size & 0xFFFFFFFF,
    )


def _time(nanoseconds: int) -> bytes:
    seconds, rest = divmod(nanoseconds, 10**9)
    return struct.pack(">LL", seconds & 0xFFFFFFFF, rest)
