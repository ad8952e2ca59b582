"""Clones: what git finds, whether they are at what they should be, and their large files in place."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git import lfs, standing
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.repository import Repository
from ptmtorrent_scrapy.git.upstream import command
from ptmtorrent_scrapy.tree import DataTree
from ptmtorrent_scrapy.verification.problem import Problem


class Clones:
    """Looks at the clones of a hub."""

    def __init__(self, tree: DataTree, repository: Repository) -> None:
        self.tree = tree
        self.store = lfs.Store(tree.store)
        self._git = command(repository)

    def check(self, folder: str, line: Mapping[str, Any] | None) -> tuple[list[Problem], set[str]]:
        """(what is wrong with the clone of AUTHOR/MODEL, ids of the large files that its HEAD names).

        `line` is what repositories.jsonl says of it. Raises `Cancelled`.
        """
        clone = self.tree.repository(folder)
        found: list[Problem] = []
        named: set[str] = set()
        try:
            self._git.run("git", "fsck", "--no-dangling", "--no-progress", "--connectivity-only", cwd=clone)
            self._git.run("git", "fsck", "--no-dangling", "--no-progress", cwd=clone)
            found += self._moved(clone, folder, line)
            files = self._files(clone)
            named = {pointer.oid for pointer in files.values()}
            found += self._large_files(clone, folder, files)
            found += self._worktree(clone, folder, files)
        except Cancelled:
            raise
        except (GitError, OSError, ValueError) as error:
            found.append(self.problem("clone damaged", folder, str(error)))
        return found, named

    def problem(self, kind: str, folder: str, detail: str, path: bytes = b"") -> Problem:
        """What is wrong with the clone of AUTHOR/MODEL, or a file of it."""
        inner = f"/{os.fsdecode(path)}" if path else ""
        return Problem(hub=self.tree.hub, kind=kind, path=f"repos/{folder}{inner}", detail=detail, folder=folder)

    def _moved(self, clone: Path, folder: str, line: Mapping[str, Any] | None) -> Iterator[Problem]:
        commit = standing.head(clone)[1]
        if line is not None and line.get("commit") != commit:
            yield self.problem("clone moved", folder, f"is at {commit}, and should be at {line.get('commit')}")

    def _files(self, clone: Path) -> dict[bytes, lfs.Pointer]:
        commit = standing.head(clone)[1]
        return lfs.pointers(self._git, clone, commit) if commit else {}

    def _large_files(self, clone: Path, folder: str, files: Mapping[bytes, lfs.Pointer]) -> Iterator[Problem]:
        state, commit = standing.state(clone), standing.head(clone)[1]
        if not state or commit is None:
            yield self.problem("clone damaged", folder, "was never finished")
            return
        wanted = {} if state.get("large") else lfs.wanted(self._git, clone, commit, files, state["lfs"])
        for path, pointer in files.items():
            if self.store.has(pointer):
                yield from self._in_place(clone, folder, path, pointer, state["lfs_files"])
            elif path in wanted and not state["error"]:
                yield self.problem("object missing", folder, f"{pointer.oid} is not in lfs/", path)

    def _in_place(self, clone: Path, folder: str, path: bytes, pointer: lfs.Pointer, how: str) -> Iterator[Problem]:
        """Whether a stored object stands in the working tree as it should."""
        if how == "pointer":
            return
        try:
            stands = os.lstat(os.path.join(os.fsencode(clone), path))
        except OSError:
            yield self.problem("link", folder, "is not there", path)
            return
        stored = self.store.object(pointer.oid).stat()
        if stands.st_size != pointer.size or (how == "link" and stored.st_nlink > 1 and stands.st_nlink == 1):
            yield self.problem("link", folder, "is not what lfs/ has of it", path)

    def _worktree(self, clone: Path, folder: str, files: Mapping[bytes, lfs.Pointer]) -> Iterator[Problem]:
        """Files that are changed or gone; large ones are looked at otherwise."""
        options = ("--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules")
        for entry in self._git.run("git", "--no-optional-locks", "status", *options, cwd=clone).split(b"\0"):
            if entry and entry[3:] not in files:
                yield self.problem("worktree", folder, "is changed or gone", entry[3:])
