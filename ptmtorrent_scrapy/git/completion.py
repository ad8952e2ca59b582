"""Bring a clone to a commit: its LFS files first, then its working tree, its state last."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git import checkout, kept_changes, local
from ptmtorrent_scrapy.git.checkout import Checkout
from ptmtorrent_scrapy.git.description import note_files
from ptmtorrent_scrapy.git.errors import LocalChanges
from ptmtorrent_scrapy.git.lfs import pointers, worktree
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.lfs_files import LfsFiles
from ptmtorrent_scrapy.git.local_work import Change, LocalWork, changes
from ptmtorrent_scrapy.git.models import ChangedFiles, CloneRequest, CloneResult, CloneStatus, LfsPlacement
from ptmtorrent_scrapy.git.refs import Head, ServerRefs
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.git.tracking import Tracking
from ptmtorrent_scrapy.storage import fsync


class Completion:
    """The steps after git's own objects are complete. All methods raise `GitError`."""

    def __init__(self, request: CloneRequest, result: CloneResult) -> None:
        self._request = request
        self._result = result
        self._path = Path(request.path)
        self._git = command(request)
        self._noted: dict[str, Any] = {}  # of a clone that was just made
        self._refs: ServerRefs | None = None  # after the server was asked for them
        self._kept: list[bytes] | None = None  # a user's files that a repair overwrites
        self._kept_as: str | None = None  # reference
        self._remark: str | None = None  # a message about a clone without an error

    def _lfs(self, clone: Path) -> LfsFiles:
        return LfsFiles(self._request, self._result, self._git, clone)

    def _complete(self, clone: Path, target: Head, *, moves: bool, reads: bool) -> CloneStatus | None:
        """Store the LFS files of a commit, then move the working tree; return the status, or None if all is complete.

        The working tree changes last and at once, so that a clone is never seen without its LFS files.
        """
        assert target.commit is not None
        head = local.head(clone)
        changed = changes(self._git, clone, head.commit, target.commit) if moves else []
        self._check_local_work(clone, head, target, changed)
        lfs = self._lfs(clone)
        if reads:
            lfs.read(target.commit)
            lfs.download(target.commit)
        if moves:
            self._check_local_work(clone, head, target, changed)
            self._move(clone, head, target, lfs)
            self._restore_changes(clone)
        lfs.place()
        if clone == self._path:
            checkout.sync(clone, [*(change.path for change in changed), *lfs.wanted])
        else:
            fsync.sync(clone)
        return self._finish(clone, lfs)

    def _check_local_work(self, clone: Path, head: Head, target: Head, changed: Sequence[Change]) -> None:
        if (local.state(clone) or {}).get("assumed_unchanged"):
            worktree.compare_again(clone, self._git)
        if clone != self._path:
            return
        store, interrupted = Store(Path(self._request.store)), local.memory(clone).get("updating")
        work = LocalWork(self._git, clone, store, interrupted=interrupted)
        if self._request.changed_files == ChangedFiles.BLOCK:
            self._block(work, clone, head, target, changed)
        elif self._kept is None:
            self._kept = work.files(head.commit, target.commit or "", changed)
            self._keep_changes(clone, head)

    def _block(self, work: LocalWork, clone: Path, head: Head, target: Head, changed: Sequence[Change]) -> None:
        try:
            work.check(head.commit, target.commit or "", changed)
        except LocalChanges:
            local.write_state(clone, {**(local.state(clone) or {}), **local.memory(clone), "changed": True})
            raise

    def _keep_changes(self, clone: Path, head: Head) -> None:
        """Keep what a repair will overwrite, except LFS files: changed ones look like damaged ones."""
        large = pointers.of_commit(self._git, clone, head.commit) if self._kept and head.commit else {}
        self._kept = [path for path in self._kept or () if path not in large]
        if self._kept:
            self._kept_as = kept_changes.keep(self._git, clone, self._tracking(clone), self._kept)
            self._remark = f"changed files were kept as {self._kept_as}"

    def _restore_changes(self, clone: Path) -> None:
        """Write a user's changed files again, except those that are repaired."""
        if self._kept_as and self._request.changed_files == ChangedFiles.KEEP:
            kept_changes.restore(self._git, clone, self._kept_as, self._kept or ())
            self._remark = f"changed files were left as they are, and kept as {self._kept_as}"

    def _move(self, clone: Path, head: Head, target: Head, lfs: LfsFiles) -> None:
        state, memory = local.state(clone) or {}, local.memory(clone)
        if state.get("lfs_files") != self._request.lfs_files == LfsPlacement.POINTER:
            worktree.remove(clone, lfs.files)
        local.write_state(clone, {**memory, "updating": target.commit})
        moved = Checkout(self._git, clone, self._tracking(clone), memory)
        moved.run(head, target)
        if moved.kept:
            self._remark = f"local commits were kept as {', '.join(moved.kept)}"

    def _finish(self, clone: Path, lfs: LfsFiles) -> CloneStatus | None:
        """Write the state of a clone on disk; return the status, or None if everything requested is there."""
        head = local.head(clone)
        self._result.lfs_skipped = len(lfs.files) - len(lfs.wanted)
        state = {
            **self._compared(local.memory(clone)),
            **lfs.state(),
            "crawl": self._request.crawl or None,
            "branch": head.branch,
            "commit": head.commit,
            "bytes": lfs.list_files(head.commit or "HEAD"),
            "git_bytes": local.size(clone / ".git"),
            "read": note_files(self._request, self._git, clone, head.commit),
            "changed": self._kept_as is not None and self._request.changed_files == ChangedFiles.KEEP,
        }
        local.write_state(clone, {name: value for name, value in state.items() if name != "updating"})
        if lfs.large:
            return CloneStatus.LARGE
        return CloneStatus.PARTIAL if state["error"] else None

    def _compared(self, memory: Mapping[str, Any]) -> dict[str, Any]:
        """Return the memory of a clone, with what was compared now."""
        known = {**memory, **self._noted}
        if self._refs is None:
            return known
        return {**known, "tags": sorted(self._refs.tags), "compared": int(time.time())}

    def _tracking(self, clone: Path) -> Tracking:
        tags = {**local.memory(clone), **self._noted}.get("tags")
        return Tracking(git=self._git, clone=clone, tags=None if tags is None else frozenset(tags))
