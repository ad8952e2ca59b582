"""Clones on disk: their HEAD, and the state that the last crawl of each has written."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git.models import CloneRequest, LfsMode
from ptmtorrent_scrapy.git.refs import TAGS, Head
from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.atomic import write

_COMPLETE = {"lfs", "lfs_files", "error"}  # keys of the state of a complete clone
_MEMORY = ("tags", "compared", "branch", "commit", "updating")
STATE = "ptmtorrent.json"  # in .git: written last, so a clone without it is not complete


def beside(path: Path, what: str) -> Path:
    """Return the path of temporary files for a clone: in the same folder, under a name that no hub can choose."""
    return path.with_name(f".{path.name}~{what}")


def head(clone: Path) -> Head:
    """Return HEAD of a clone, from gitrepository-layout(5).

    Each crawl reads it for each clone; GitPython would read the whole configuration first.
    """
    git = clone / ".git"
    head = _text(git / "HEAD")
    if not head.startswith("ref: "):
        return Head(None, head or None)
    name = head.removeprefix("ref: ")
    branch = name.removeprefix("refs/heads/")
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Head(branch, _text(git / name))
    with suppress(FileNotFoundError):
        for line in _text(git / "packed-refs").split("\n"):
            if line.endswith(f" {name}"):
                return Head(branch, line.partition(" ")[0])
    return Head(branch, None)


def packed_tags(clone: Path) -> list[str]:
    """Return the tags of a new clone, whose references git has written into one file."""
    with suppress(FileNotFoundError):
        lines = _text(clone / ".git" / "packed-refs").split("\n")
        return [line.partition(f" {TAGS}")[2] for line in lines if f" {TAGS}" in line and not line.startswith("#")]
    return []


def _text(path: Path) -> str:
    """Return the text of a file, whose names may be any bytes."""
    return os.fsdecode(path.read_bytes()).strip()


def is_sound(clone: Path) -> bool:
    """Return whether HEAD can be read, and is a commit."""
    try:
        return is_commit(head(clone).commit)
    except (FileNotFoundError, NotADirectoryError):
        return False


def is_commit(text: str | None) -> bool:
    """Return whether the text is the full id of an object."""
    return text is not None and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def state(clone: Path) -> dict[str, Any] | None:
    """Return the state of a clone: empty, if the work on it was interrupted; None, if git was."""
    state = _written(clone)
    return {} if state and not state.keys() >= _COMPLETE else state


def memory(clone: Path) -> dict[str, Any]:
    """Return the part of the state that is still valid after interrupted work.

    `tags` of the server and the time when its references were `compared`; the `branch` and `commit` that HEAD was
    given; the commit to which an interrupted checkout is `updating` the working tree.
    """
    written = _written(clone) or {}
    return {name: written[name] for name in _MEMORY if name in written}


def _written(clone: Path) -> dict[str, Any] | None:
    try:
        state = json.loads((clone / ".git" / STATE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def write_state(clone: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a clone; everything in it must already be on the disk."""
    write(clone / ".git" / STATE, json.dumps(state).encode())


def is_complete(state: Mapping[str, Any] | None, repository: CloneRequest) -> bool:
    """Return whether a clone in this state has the requested LFS files."""
    if not state or state["error"] or state["lfs_files"] != repository.lfs_files:
        return False
    if repository.lfs == LfsMode.NONE:
        return True
    if state.get("large"):  # bytes for which its LFS files were skipped
        return repository.max_bytes is not None and repository.max_bytes < state["large"]
    if state["lfs"] in (LfsMode.ALL, repository.lfs):
        return True
    return state["lfs"].isdigit() and repository.lfs.isdigit() and int(state["lfs"]) >= int(repository.lfs)


def remove_left(clone: Path) -> None:
    """Remove files of a killed git; no other process uses the clone, since we hold the repository's lock."""
    git = clone / ".git"
    for left in (*git.glob("*.lock"), *(git / "objects" / "pack").glob("tmp_*"), *_ref_locks(git)):
        left.unlink(missing_ok=True)
    for folder in (git / "objects").glob("tmp_objdir-*"):
        folders.remove(folder)


def _ref_locks(git: Path) -> Iterator[Path]:
    """Yield the lock files of references; no reference has such a name."""
    for path, _, names in folders.walk(git / "refs"):
        yield from (Path(path, name) for name in names if name.endswith(".lock"))


def size(folder: Path) -> int:
    """Return the bytes of the files below a folder that may be in use, without LFS objects in `.git`."""
    total = 0
    for path, inner, names in folders.walk(folder):
        if folder.name == ".git" and path == str(folder) and "lfs" in inner:
            inner.remove("lfs")  # links to the stored objects
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total
