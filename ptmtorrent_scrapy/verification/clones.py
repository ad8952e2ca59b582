"""Check clones: `git fsck`, the recorded commit, and the LFS files in the working tree."""

import os
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.lfs import pointers
from ptmtorrent_scrapy.git.lfs.checks import digest
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import CloneRequest, LfsPlacement
from ptmtorrent_scrapy.git.origin import origin
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.git.tracking import Tracking
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.finding import Finding, Kind, was_cut


class Clones:
    """Checks the clones of a hub."""

    def __init__(self, tree: DataTree, repository: CloneRequest) -> None:
        self.tree = tree
        self.store = Store(tree.store)
        self._git = command(repository)

    def check(self, folder: str, line: Mapping[str, Any] | None) -> tuple[list[Finding], set[str]]:
        """Return the problems of the clone of AUTHOR/MODEL, and the ids of the LFS files at its HEAD.

        `line` is its line of repositories.jsonl. Raise `Cancelled`.
        """
        clone = self.tree.repository(folder)
        found: list[Finding] = []
        oids: set[str] = set()
        try:
            self._git.run("git", *_skipped(clone), "fsck", "--no-dangling", "--no-progress", cwd=clone)
            found += self._moved(clone, folder, line)
            files = self._files(clone)
            oids = {pointer.oid for pointer in files.values()}
            wanted = self._wanted(clone, files)
            placed = self._placed(clone, wanted)
            found += self._large_files(clone, folder, files, wanted, placed)
            found += self._worktree(clone, folder, files, placed)
        except Cancelled:
            raise
        except (GitError, OSError, ValueError) as error:
            found.append(self.problem(Kind.CLONE_DAMAGED, folder, str(error)))
        return found, oids

    def problem(self, kind: Kind, folder: str, detail: str, path: bytes = b"") -> Finding:
        """Return a problem of the clone of AUTHOR/MODEL or of one of its files."""
        inner = f"/{os.fsdecode(path)}" if path else ""
        return Finding(hub=self.tree.hub, kind=kind, path=f"repos/{folder}{inner}", detail=detail, folder=folder)

    def _moved(self, clone: Path, folder: str, line: Mapping[str, Any] | None) -> Iterator[Finding]:
        if line is None:
            return
        url = origin(clone)
        if url != line["url"]:
            detail = f"is a clone of {url or 'nothing'}, and not of {line['url']}"
            yield self.problem(Kind.CLONE_DAMAGED, folder, detail)
        elif (commit := local.head(clone)[1]) != line.get("commit"):
            if commit and Tracking(git=self._git, clone=clone).lost([commit]):
                yield self.problem(Kind.LOCAL_CHANGES, folder, f"is at {commit}, which is not a commit of its server")
                return
            kind = Kind.WORK_IN_PROGRESS if was_cut(self.tree) else Kind.CLONE_MOVED
            yield self.problem(kind, folder, f"is at {commit}, and should be at {line.get('commit')}")

    def _files(self, clone: Path) -> dict[bytes, Pointer]:
        commit = local.head(clone)[1]
        return pointers.of_commit(self._git, clone, commit) if commit else {}

    def _wanted(self, clone: Path, files: Mapping[bytes, Pointer]) -> dict[bytes, Pointer]:
        """Return the LFS files that the last crawl of the clone requested."""
        state, commit = local.state(clone), local.head(clone)[1]
        if not state or commit is None or state.get("large"):
            return {}
        return pointers.wanted(self._git, clone, commit, files, state["lfs"])

    def _large_files(
        self,
        clone: Path,
        folder: str,
        files: Mapping[bytes, Pointer],
        wanted: Container[bytes],
        placed: Container[bytes],
    ) -> Iterator[Finding]:
        state = local.state(clone)
        if not state or local.head(clone)[1] is None:
            yield self.problem(Kind.CLONE_DAMAGED, folder, "was never finished")
            return
        for path, pointer in files.items():
            if path in placed:
                if wrong := self._difference(os.path.join(os.fsencode(clone), path), pointer, state):
                    yield self.problem(wrong[0], folder, wrong[1], path)
            elif path in wanted and not state["error"] and not self.store.has(pointer):
                yield self.problem(Kind.OBJECT_MISSING, folder, f"{pointer.oid} is not in lfs/", path)

    def _placed(self, clone: Path, wanted: Mapping[bytes, Pointer]) -> set[bytes]:
        """Return the LFS files that must be in the working tree; others may be, if an earlier crawl requested them."""
        state = local.state(clone)
        if not state or state["lfs_files"] == LfsPlacement.POINTER:
            return set()
        return {path for path, pointer in wanted.items() if self.store.has(pointer)}

    def _difference(self, file: bytes, pointer: Pointer, state: Mapping[str, Any]) -> tuple[Kind, str] | None:
        """Return (kind, detail) of a file in the working tree that is neither the stored object nor a wanted copy."""
        try:
            status = os.lstat(file)
            if os.path.samestat(status, self.store.object(pointer.oid).stat()):
                is_wrong = state["lfs_files"] == LfsPlacement.COPY
                return (_kind(state, Kind.LINK), "is a link, and should be a copy") if is_wrong else None
            if status.st_size != pointer.size or digest(file) != pointer.oid:
                return _kind(state, Kind.LINK), "differs from its object in lfs/"
        except OSError as error:
            return _kind(state, Kind.LINK), f"cannot be read: {error.strerror}"
        if state["lfs_files"] == LfsPlacement.COPY or state.get("copied"):
            return None
        # as after a user's git commands
        return Kind.SECOND_COPY, "has the content of its object in lfs/, not linked"

    def _worktree(
        self, clone: Path, folder: str, files: Mapping[bytes, Pointer], placed: Container[bytes]
    ) -> Iterator[Finding]:
        """Yield files that are changed or deleted, and untracked ones; LFS files with the right content are fine."""
        changed = _kind(local.state(clone), Kind.WORKTREE)
        options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored", "--ignore-submodules")
        for entry in self._git.run("git", "--no-optional-locks", "status", *options, cwd=clone).split(b"\0"):
            state, path = entry[:2], entry[3:]
            if state in (b"??", b"!!"):
                yield self.problem(Kind.LOCAL_CHANGES, folder, "git does not track it", path)
            elif (
                path
                and path not in placed
                and not _is_object_of(os.path.join(os.fsencode(clone), path), files.get(path))
            ):
                yield self.problem(changed, folder, "is changed or gone", path)


def _kind(state: Mapping[str, Any] | None, fault: Kind) -> Kind:
    """Return the kind of a file that differs: a fault, unless a crawl has found a user's work in the clone."""
    return Kind.LOCAL_CHANGES if (state or {}).get("changed") else fault


def _skipped(clone: Path) -> Iterator[str]:
    """Yield options that stop `git fsck` from starting a process for an index that the clone does not have."""
    objects = clone / ".git" / "objects"
    if not any((objects / "info" / name).exists() for name in ("commit-graph", "commit-graphs")):
        yield from ("-c", "core.commitGraph=false")
    if not (objects / "pack" / "multi-pack-index").exists():
        yield from ("-c", "core.multiPackIndex=false")


def _is_object_of(file: bytes, pointer: Pointer | None) -> bool:
    """Return whether a file has the content that a pointer names."""
    try:
        return pointer is not None and os.lstat(file).st_size == pointer.size and digest(file) == pointer.oid
    except OSError:
        return False
