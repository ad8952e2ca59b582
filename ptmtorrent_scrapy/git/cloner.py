"""Make one clone, or bring it up to date; the caller holds the repository's lock."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.git import local, tree_files
from ptmtorrent_scrapy.git.command import CommandFailed
from ptmtorrent_scrapy.git.completion import Completion
from ptmtorrent_scrapy.git.description import describe, read_files
from ptmtorrent_scrapy.git.errors import Cancelled, Gated, GitError, Missing, Refused, Transient
from ptmtorrent_scrapy.git.lfs import pointers
from ptmtorrent_scrapy.git.local import beside
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, CloneStatus, LfsMode
from ptmtorrent_scrapy.git.origin import is_other_repository, origin, set_origin
from ptmtorrent_scrapy.git.refs import Head
from ptmtorrent_scrapy.git.remote import Upstream
from ptmtorrent_scrapy.git.size_limit import SizeLimit
from ptmtorrent_scrapy.storage import folders, fsync
from ptmtorrent_scrapy.storage.lock import lock


class Cloner(Completion):
    """Works on the clone of one repository, and fills in the result. All methods raise `GitError`."""

    def __init__(self, request: CloneRequest, result: CloneResult) -> None:
        super().__init__(request, result)
        self._commit = request.commit if local.is_commit(request.commit) else None
        self._upstream = Upstream.of(request, self._git)
        self._is_fetched = False

    def run(self) -> CloneStatus:
        """Make or update the clone, fill in the result and return its status."""
        self._remove_scratch()
        self._take_over()
        if (self._path / ".git").is_dir():
            status = self._update()
        elif os.path.lexists(self._path):
            raise GitError(f"{self._path} exists but is not a git clone: move or delete it")
        else:
            status = self._create()
        if status != CloneStatus.EMPTY:
            describe(self._request, self._result, self._git)
            self._result.error = self._result.error or self._remark
        return status

    def head_commit(self) -> tuple[str | None, dict[str, bytes]]:
        """Return the commit that a clone would have, or None, and the files to read if a clone exists."""
        target = None if self._commit else self._upstream.head(beside(self._path, "heads"), None)
        commit = self._commit or (target.commit if target else None)
        exists = self._request.read_files and (self._path / ".git").is_dir()
        return commit, read_files(self._request, self._git) if commit and exists and local.head(
            self._path
        ).commit == commit else {}

    def _remove_scratch(self) -> None:
        """Remove the scratch files of a process that was killed."""
        beside(self._path, "index").unlink(missing_ok=True)
        beside(self._path, "index.lock").unlink(missing_ok=True)
        folders.remove(beside(self._path, "lfs"))

    def _take_over(self) -> None:
        """Move the clone of a renamed repository to its new name."""
        previous = self._request.previous_path and Path(self._request.previous_path)
        if previous and (previous / ".git").is_dir() and not os.path.lexists(self._path):
            with lock(beside(previous, "lock")):
                set_origin(previous, self._request.url)
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fsync.rename(previous, self._path)

    def _create(self) -> CloneStatus:
        """Make the clone under a temporary name, or resume an interrupted one, and rename it when complete."""
        work = beside(self._path, "partial")
        is_resumed = local.state(work) is not None and local.is_sound(work)
        has_pointers = is_resumed or self._clone(work)
        head = local.head(work)
        target = head if head.commit and (not is_resumed or head.commit == self._commit) else self._fetch(work, head)
        if target.commit is None:
            folders.remove(work)
            return CloneStatus.EMPTY
        reads, moves = has_pointers or target != head, is_resumed or target != head
        try:
            status = self._complete(work, target, moves=moves, reads=reads)
        except Refused:
            folders.remove(work)
            raise
        fsync.rename(work, self._path)
        return status or CloneStatus.CLONED

    def _clone(self, work: Path) -> bool:
        """Let git make the clone; return whether it may have pointers."""
        folders.remove(work)
        began = int(time.time())
        limit = SizeLimit(work, self._request.max_bytes)
        try:
            self._upstream.clone(work, limit.cloning)
            self._noted = {"tags": local.packed_tags(work), "compared": began}
            has_pointers, size, entries = pointers.survey(work)
            git = local.size(work / ".git")
            limit.check(size - git, entries, git=git)
        except Cancelled:
            raise
        except (GitError, OSError):  # an incomplete clone of git cannot be resumed
            folders.remove(work)
            raise
        if has_pointers:  # they may take long: what exists must survive a failure
            fsync.sync(work)
            local.write_state(work, self._noted)
        self._result.downloaded_bytes += git
        return has_pointers

    def _update(self) -> CloneStatus:
        """Bring the clone to the state of its server, if it differs."""
        if not local.is_sound(self._path):
            raise GitError("its HEAD cannot be read: scrapy verify --repair clones it again")
        memory = local.memory(self._path)
        self._check_origin()
        describe(self._request, self._result, self._git)
        head = local.head(self._path)
        target = head if self._is_fresh(memory, head) else self._compare(head)
        if self._is_at(target, head, memory) and local.is_complete(local.state(self._path), self._request):
            state = self._renew()
            if self._lfs(self._path).are_unchanged(state):
                return self._unmoved(state, is_fetched=self._is_fetched)
        if replaced := self._lfs(self._path).mend(local.state(self._path) or {}):
            files = counted(replaced, "large file was", "large files were")
            self._remark = (
                f"{files} changed: the server's content was restored, the changed content was kept in lfs/written/"
            )
        return self._complete(self._path, target, moves=True, reads=True) or CloneStatus.UPDATED

    def _check_origin(self) -> None:
        """Set the clone's origin to its server, which may have moved. Raise `Refused` for another repository."""
        now = origin(self._path)
        if now and is_other_repository(now, self._request.url):
            raise Refused(f"its folder holds another repository, {now}")
        if now != self._request.url:
            set_origin(self._path, self._request.url)

    def _is_fresh(self, memory: Mapping[str, Any], head: Head) -> bool:
        """Return whether the server need not be asked: HEAD is the hub's, and the rest was compared recently."""
        if head.commit != self._commit:
            return False
        if self._request.refresh is None:
            return True
        age = time.time() - float(memory.get("compared", 0))
        return 0 <= age < self._request.refresh

    def _is_at(self, target: Head, head: Head, memory: Mapping[str, Any]) -> bool:
        """Return whether HEAD is at the commit, and at the branch unless a user has chosen another one."""
        is_chosen = memory.get("branch", head.branch) != head.branch
        return target.commit == head.commit and (target.branch == head.branch or is_chosen)

    def _compare(self, head: Head) -> Head:
        """Fetch from the server; if HEAD is the hub's commit, a failure to compare the rest is only a remark."""
        try:
            return self._fetch(self._path, head)
        except (Gated, Missing, Refused, Transient) as error:
            is_passing = isinstance(error, Transient) and not self._request.accept_partial
            if head.commit != self._commit or is_passing:
                raise
            self._remark = f"its other branches and tags could not be compared: {error}"
            return head

    def _fetch(self, clone: Path, head: Head) -> Head:
        """Update the clone's branches and tags; return the wanted HEAD."""
        refs = self._refs = self._upstream.refs()
        if refs.is_empty:
            return self._fetch_unnamed(clone) or head
        tracking = self._tracking(clone)
        if not tracking.is_same(refs):
            before, limit = local.size(clone / ".git"), SizeLimit(clone, self._request.max_bytes)
            self._upstream.fetch(clone, tracking, refs, limit.fetching)
            self._is_fetched = True
            self._result.git_bytes = local.size(clone / ".git")
            self._result.downloaded_bytes += max(0, self._result.git_bytes - before)
        target = refs.target(self._commit) or tracking.newest(self._commit) or head
        if target.commit and target.commit != head.commit:
            self._check_size(clone, target.commit)
        return target

    def _fetch_unnamed(self, clone: Path) -> Head | None:
        """Fetch the hub's commit from a server that names no commit; return None if the server does not have it."""
        if self._commit and self._upstream.fetch_commit(
            clone, self._commit, SizeLimit(clone, self._request.max_bytes).fetching
        ):
            self._check_size(clone, self._commit)
            return Head(None, self._commit)
        return None

    def _check_size(self, clone: Path, commit: str) -> None:
        try:
            SizeLimit(clone, self._request.max_bytes).commit(self._git, commit)
        except CommandFailed as error:
            raise Transient(f"its history changed while it was fetched: {error}") from error

    def _renew(self) -> dict[str, Any]:
        """Note what was compared for a clone whose HEAD is right; return its state."""
        state = local.state(self._path) or {}
        new = self._compared(state)
        if not state.keys() >= {"bytes", "objects"} or not tree_files.path(self._path).exists():
            new |= self._lfs(self._path).upgrade(local.head(self._path).commit or "", state)
        new["git_bytes"] = self._result.git_bytes
        if self._is_fetched:
            new["crawl"] = self._result.crawl = self._request.crawl or None
        if {**new, "compared": state.get("compared")} != state or self._refs is not None:
            local.write_state(self._path, new)
        return new

    def _unmoved(self, state: Mapping[str, Any], *, is_fetched: bool) -> CloneStatus:
        """Return the status of a clone whose HEAD has not changed."""
        if state.get("large") and self._request.lfs != LfsMode.NONE:
            return CloneStatus.LARGE
        return CloneStatus.UPDATED if is_fetched else CloneStatus.CURRENT
