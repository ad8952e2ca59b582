"""Write many references of a clone at once into `packed-refs`, as `git clone` does; in any other way git writes a file
per reference, and syncs it.

refs/packed-backend.c in git's sources defines the format; see also git-pack-refs(1).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.storage.fsync import rename

_HEADER = b"# pack-refs with: sorted \n"  # without `peeled`: git looks up what annotated tags of this file lead to


def write(git: Command, clone: Path, changes: Mapping[str, str | None]) -> None:
    """Set references to existing objects, and remove those with None: all of them or none.

    Raise `GitError` for names that exclude each other.
    """
    git.run("git", "pack-refs", "--all", cwd=clone)  # git would use these files instead of the packed values
    path = clone / ".git" / "packed-refs"
    entries = dict(_entries(path))
    for name, oid in changes.items():
        key = os.fsencode(name)
        if oid is None:
            entries.pop(key, None)
        else:
            entries[key] = oid.encode() + b" " + key + b"\n"
    _check(entries)
    _replace(path, [_HEADER, *(entries[name] for name in sorted(entries))])
    _forget(clone / ".git" / "logs", (name for name, oid in changes.items() if oid is None))


def _replace(path: Path, lines: Iterable[bytes]) -> None:
    """Write the file as git does, under the name that locks it."""
    lock = path.with_suffix(".lock")
    with os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        try:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            lock.unlink()
            raise
    rename(lock, path)


def _entries(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the lines of each packed reference; the second line says what an annotated tag leads to."""
    if not path.exists():
        return
    name, lines = b"", b""
    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"^"):
                lines += line
            elif not line.startswith(b"#"):
                if lines:
                    yield name, lines
                name, lines = line.rstrip(b"\n").partition(b" ")[2], line
    if lines:
        yield name, lines


def _check(names: Iterable[bytes]) -> None:
    taken = set(names)
    for name in taken:
        end = name.find(b"/")
        while end >= 0:
            if name[:end] in taken:
                one, other = os.fsdecode(name[:end]), os.fsdecode(name)
                raise GitError(f"the references {one} and {other} cannot exist beside each other")
            end = name.find(b"/", end + 1)


def _forget(logs: Path, names: Iterable[str]) -> None:
    """Remove the logs of removed references: they would block the names of others."""
    for name in names:
        (logs / name).unlink(missing_ok=True)
