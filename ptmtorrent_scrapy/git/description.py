"""Read the state of a clone into a result, and the files that a crawl requested."""

import os
from pathlib import Path

from ptmtorrent_scrapy.formats.encoding import decoded
from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.blobs import contents
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult

_COPIED = ("error", "git_bytes", "lfs_objects", "lfs_bytes", "lfs_skipped", "crawl")  # from the state into the result


def describe(request: CloneRequest, result: CloneResult, git: Command) -> None:
    """Fill in a result from the clone on disk. Raise `GitError`."""
    clone = Path(request.path)
    state = local.state(clone) or {}
    result.path = request.path
    branch, result.commit = local.head(clone)
    result.branch = branch and os.fsencode(branch).decode("utf-8", "replace")
    for name in _COPIED:
        if name in state:
            setattr(result, name, state[name])
    if state.get("large"):
        result.error = f"with its LFS files it has {state['large']} bytes; they stay pointers"
    if result.commit and request.read_files:
        result.files = read_files(request, git)


def read_files(request: CloneRequest, git: Command) -> dict[str, bytes]:
    """Return the requested files from the clone's state, else from the commit."""
    noted = (local.state(Path(request.path)) or {}).get("read", {})
    if any(name not in noted for name in request.read_files):
        return contents(git, Path(request.path), "HEAD", request.read_files)
    return {name: noted[name].encode() for name in request.read_files if noted[name] is not None}


def note_files(request: CloneRequest, git: Command, clone: Path, commit: str | None) -> dict[str, str | None]:
    """Return the requested files of a commit for the clone's state; None for a missing file."""
    read = contents(git, clone, commit, request.read_files) if commit else {}
    return {name: decoded(read[name]) if name in read else None for name in request.read_files}
