"""Move the working tree and HEAD of a clone to another commit, and keep a user's commits."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import HARDENED, configured
from ptmtorrent_scrapy.git.refs import HEADS, Head
from ptmtorrent_scrapy.git.tracking import LOCAL, Tracking
from ptmtorrent_scrapy.storage.fsync import sync_paths

_MANY = 1000  # files; for more, one sync(2) of everything is faster
_CHECKOUT = ("git", "checkout", "--force", "--no-recurse-submodules")


class Checkout:
    """Moves a clone to a commit. `state` is the clone's own; commits of users are kept under `refs/local/TIME/`."""

    def __init__(self, git: Command, clone: Path, tracking: Tracking, state: Mapping[str, Any]) -> None:
        self._git = git
        self._clone = clone
        self._tracking = tracking
        self._state = state
        self._hardened = configured(git.environment, HARDENED)
        self.kept: list[str] = []  # references made for commits of users

    def run(self, before: Head, target: Head) -> None:
        """Move the working tree and HEAD, which are unchanged or may be overwritten. Raise `GitError`."""
        assert target.commit is not None
        local.remove_left(self._clone)
        branch = target.branch if _is_usable(target.branch) else None
        if branch is not None and branch == before.branch and self._is_ours(before.commit):
            self._check_out("-B", branch, target.commit)
        else:
            self._check_out("--detach", target.commit)
            self._name(before, branch, target.commit)
        sync_paths([self._clone / ".git" / "HEAD", self._clone / ".git"])

    def _check_out(self, *target: str) -> None:
        self._git.run(*_CHECKOUT, *target, "--", cwd=self._clone, environment=self._hardened)

    def _is_ours(self, commit: str | None) -> bool:
        """Return whether no commit is lost if a branch no longer leads to a commit."""
        return commit is None or commit == self._state.get("commit") or not self._tracking.lost([commit])

    def _name(self, before: Head, branch: str | None, commit: str) -> None:
        """Let HEAD name a branch, or none; remove the previous default branch and conflicting ones."""
        moved = {
            name: at
            for name, at in self._tracking.local_branches().items()
            if name == branch or self._is_former(name, before) or _is_in_the_way(name, branch)
        }
        commits = moved if before.branch is not None or before.commit is None else {**moved, "HEAD": before.commit}
        self._keep(commits)
        self._tracking.update(f"delete {HEADS}{name}" for name in moved if name != branch)
        if branch is not None:
            self._tracking.update([f"update {HEADS}{branch} {commit}"])
            self._git.run("git", "symbolic-ref", "HEAD", f"{HEADS}{branch}", cwd=self._clone)
            self._follow(branch)

    def _is_former(self, name: str, before: Head) -> bool:
        """Return whether this program has made a branch."""
        former: str | None = self._state.get("branch", before.branch)
        return name == former

    def _keep(self, commits: Mapping[str, str]) -> None:
        """Keep commits that no other reference reaches."""
        lost = self._tracking.lost(commits.values())
        if any(commit in lost for commit in commits.values()):
            time = self._tracking.moment()
            kept = {f"{LOCAL}{time}/{name}": commit for name, commit in commits.items() if commit in lost}
            self._tracking.update(f"create {name} {commit}" for name, commit in kept.items())
            self.kept += kept

    def _follow(self, branch: str) -> None:
        """Let a branch track the server's, as `git clone` does."""
        if f'[branch "{branch}"]\n'.encode() not in (self._clone / ".git" / "config").read_bytes():
            for name, value in (("remote", "origin"), ("merge", f"{HEADS}{branch}")):
                self._git.run("git", "config", f"branch.{branch}.{name}", value, cwd=self._clone)


def sync(clone: Path, paths: Iterable[bytes]) -> None:
    """Sync files of a working tree and their folders to the disk."""
    top = os.fsencode(clone)
    files = {os.path.join(top, path) for path in paths}
    if len(files) > _MANY:
        os.sync()
        return
    folders = {folder for file in files for folder in _above(file, top)}
    sync_paths(os.fsdecode(file) for file in sorted(files) if os.path.isfile(file) and not os.path.islink(file))
    sync_paths(os.fsdecode(folder) for folder in sorted(folders, reverse=True) if os.path.isdir(folder))


def _above(file: bytes, top: bytes) -> Iterable[bytes]:
    """Yield the folders above a file, up to the clone itself."""
    while len(file) > len(top):
        file = os.path.dirname(file)
        yield file


def _is_usable(branch: str | None) -> bool:
    """Return whether `git checkout` accepts a name as that of a branch."""
    return branch is not None and not branch.startswith("-") and branch != "HEAD"


def _is_in_the_way(name: str, branch: str | None) -> bool:
    """Return whether the names of two branches exclude each other.

    >>> _is_in_the_way("main", "main/v2"), _is_in_the_way("main", "main-2")
    (True, False)
    """
    return branch is not None and (branch.startswith(f"{name}/") or name.startswith(f"{branch}/"))
