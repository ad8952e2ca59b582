"""Walk and remove folders of any depth: without recursion, open descriptors or long paths."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple


class Folder(NamedTuple):
    """A folder, and the names in it."""

    path: str
    folders: list[str]  # without symbolic links
    files: list[str]  # everything else


def walk(top: Path | str) -> Iterator[Folder]:
    """Yield a folder and all folders below it, parents first; folders that others remove at the same time are skipped.

    Folders that the caller removes from `folders` are not walked. Raise `OSError`, also for a path that is too long.
    """
    waiting = [os.fspath(top)]
    while waiting:
        folder = Folder(waiting.pop(), [], [])
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    (folder.folders if entry.is_dir(follow_symlinks=False) else folder.files).append(entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield folder
        waiting += [os.path.join(folder.path, name) for name in folder.folders]


def remove(top: Path) -> None:
    """Remove a folder and its content, if it exists. Raise `OSError`.

    Each inner folder is moved to the top before it is emptied, so that no path is longer than two names.
    """
    if not _is_folder(top):
        with suppress(FileNotFoundError):
            top.unlink()
        return
    numbers, waiting = count(), _empty(top, top, count(os.getpid()))
    while waiting:
        folder = waiting.pop()
        waiting += _empty(folder, top, numbers)
        folder.rmdir()
    top.rmdir()


def _empty(folder: Path, top: Path, numbers: Iterator[int]) -> list[Path]:
    """Remove the files of a folder and move its folders to the top; return where they are now."""
    moved = []
    with os.scandir(folder) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in listed:
        if is_folder:
            moved.append(_move(folder / name, top, numbers))
        else:
            (folder / name).unlink(missing_ok=True)
    return moved


def _move(folder: Path, top: Path, numbers: Iterator[int]) -> Path:
    """Move a folder to a free name at the top."""
    if folder.parent == top:
        return folder
    while os.path.lexists(target := top / f"~{next(numbers)}"):
        pass
    return folder.rename(target)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False
