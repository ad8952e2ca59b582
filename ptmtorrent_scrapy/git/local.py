"""Clones that stand: what they are at, and what was noted of them when they were last worked on."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.fsync import rename, sync_paths

_TOLD = {"lfs", "lfs_files", "error"}  # in the state of a clone that is whole
STATE = "ptmtorrent.json"  # in .git: written last, so a clone without it is not whole


def head(clone: Path) -> tuple[str | None, str | None]:
    """(branch, commit) of a clone, from gitrepository-layout(5); the branch is None where HEAD is detached.

    Read so for each clone of a hub, each time it is crawled; GitPython would read all of its configuration before.
    """
    git = clone / ".git"
    head = _text(git / "HEAD")
    if not head.startswith("ref: "):
        return None, head or None
    name = head.removeprefix("ref: ")
    branch = name.removeprefix("refs/heads/")
    with suppress(FileNotFoundError, NotADirectoryError):
        return branch, _text(git / name)
    with suppress(FileNotFoundError):
        for line in _text(git / "packed-refs").split("\n"):
            if line.endswith(f" {name}"):
                return branch, line.partition(" ")[0]
    return branch, None


def _text(path: Path) -> str:
    """What a file says, whose names may be any bytes."""
    return os.fsdecode(path.read_bytes()).strip()


def is_sound(clone: Path) -> bool:
    """Whether HEAD can be read, and is a commit."""
    try:
        commit = head(clone)[1]
    except (FileNotFoundError, NotADirectoryError):
        return False
    return commit is not None and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit) is not None


def state(clone: Path) -> dict[str, Any] | None:
    """What was written of the clone when it was last worked on: nothing, if that did not end; None, if git was cut."""
    try:
        state = json.loads((clone / ".git" / STATE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if not isinstance(state, dict):
        return None
    return state if state.keys() >= _TOLD else {}


def write_state(clone: Path, state: Mapping[str, Any]) -> None:
    path = clone / ".git" / STATE
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(state))
    sync_paths([beside])
    rename(beside, path)


def is_whole(state: Mapping[str, Any] | None, repository: CloneRequest) -> bool:
    """Whether a clone that was left in this state has what is wanted of its large files."""
    if not state or state["error"] or state["lfs_files"] != repository.lfs_files:
        return False
    if repository.lfs == "none":
        return True
    if state.get("large"):  # bytes for which its large files were left out
        return repository.max_bytes is not None and repository.max_bytes < state["large"]
    if state["lfs"] in ("all", repository.lfs):
        return True
    return state["lfs"].isdigit() and repository.lfs.isdigit() and int(state["lfs"]) >= int(repository.lfs)


def remove_left(clone: Path) -> None:
    """Remove what a killed git left: nobody else works here, we hold the repository's lock."""
    git = clone / ".git"
    for left in (*git.glob("*.lock"), *(git / "objects" / "pack").glob("tmp_*"), *_ref_locks(git)):
        left.unlink(missing_ok=True)
    for folder in (git / "objects").glob("tmp_objdir-*"):
        folders.remove(folder)


def _ref_locks(git: Path) -> Iterator[Path]:
    """Yield the locks of references; a reference's own name never ends like one."""
    for path, _, names in folders.walk(git / "refs"):
        yield from (Path(path, name) for name in names if name.endswith(".lock"))


def size(folder: Path) -> int:
    """Return the bytes of the files below a folder in which others may work; LFS objects of `.git` do not count."""
    total = 0
    for path, inner, names in folders.walk(folder):
        if folder.name == ".git" and path == str(folder) and "lfs" in inner:
            inner.remove("lfs")  # links to the stored objects
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total
