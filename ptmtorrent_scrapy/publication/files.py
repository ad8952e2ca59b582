"""Files of a package: where their content is, and how they are placed without a copy."""

import contextlib
import errno
import hashlib
import io
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

SMALL = 1 << 16  # bytes; copying a smaller file takes no longer than linking it
_NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a package."""

    path: str  # in the package; bytes that are not UTF-8 are surrogates
    content: Path | bytes
    size: int
    is_final: bool = False  # the file is never changed in place, so it may share its disk blocks with the tree
    oid: str | None = None  # SHA-256 of a large file
    link: str | None = None  # path of the large file in the package that this file equals
    mode: int = 0o644


def of_file(path: str, file: Path, *, is_final: bool = False, oid: str | None = None) -> Entry | None:
    """Return the entry of a file, None if it is not a regular file. Raise `OSError`."""
    found = os.lstat(file)
    if not stat.S_ISREG(found.st_mode):
        return None
    mode = 0o444 if oid else 0o755 if found.st_mode & 0o100 else 0o644
    return Entry(path, file, found.st_size, is_final, oid, mode=mode)


def of_text(path: str, text: bytes) -> Entry:
    """Return the entry of a file with generated content."""
    return Entry(path, text, len(text))


def place(entry: Entry, target: Path, *, may_link: bool) -> None:
    """Put a file into the package: linked if that is safe, else copied. Raise `OSError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry.content, bytes):
        _unlink(target)
        target.write_bytes(entry.content)
    elif may_link and entry.is_final and entry.size > SMALL:
        if not _is_same(entry.content, target):
            _unlink(target)
            link_or_copy(entry.content, target)
    else:
        _unlink(target)
        copy(entry.content, target)


def link_or_copy(source: Path, target: Path) -> bool:
    """Link a file to a second name, or copy it if the file system cannot. Return whether it is linked."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        copy(source, target)
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a file, sharing the disk blocks if the file system can: copy_file_range(2) does that by itself."""
    with opened(source) as read, target.open("xb") as written:
        try:
            while os.copy_file_range(read.fileno(), written.fileno(), 1 << 30):
                pass
        except (OSError, AttributeError):  # not on this file system, not on this system
            read.seek(0)
            written.seek(0)
            written.truncate()
            shutil.copyfileobj(read, written, 1 << 20)


def can_link(source: Path, folder: Path) -> bool:
    """Return whether files such as `source` can be linked into a folder. Raise `OSError`."""
    probe = folder / ".probe~link"
    _unlink(probe)
    try:
        os.link(source, probe, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    probe.unlink()
    return True


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; no link is followed. Raise `OSError`."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(path: Path) -> io.BufferedReader:
    """Open a file to read; no link is followed. Raise `OSError`."""
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except FileNotFoundError:
        return False


def _unlink(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
