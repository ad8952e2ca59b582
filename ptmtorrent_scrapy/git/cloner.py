"""Makes one clone, or brings it up to date; the caller holds the repository's lock."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git import checkout, local, tree_files
from ptmtorrent_scrapy.git.blobs import contents
from ptmtorrent_scrapy.git.checkout import Checkout
from ptmtorrent_scrapy.git.command import CommandFailed
from ptmtorrent_scrapy.git.errors import Cancelled, Gated, GitError, Missing, Refused, Transient
from ptmtorrent_scrapy.git.lfs import pointers, worktree
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.lfs_files import LfsFiles
from ptmtorrent_scrapy.git.local import beside
from ptmtorrent_scrapy.git.local_work import Change, LocalWork, changes
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, CloneStatus
from ptmtorrent_scrapy.git.origin import is_other_repository, origin, set_origin
from ptmtorrent_scrapy.git.refs import Head, ServerRefs
from ptmtorrent_scrapy.git.remote import Upstream, command
from ptmtorrent_scrapy.git.size_limit import SizeLimit
from ptmtorrent_scrapy.git.tracking import Tracking
from ptmtorrent_scrapy.storage import folders, fsync
from ptmtorrent_scrapy.storage.lock import lock


class Cloner:
    """Works on the clone of one repository, and fills in the result. All methods raise `GitError`."""

    def __init__(self, request: CloneRequest, result: CloneResult) -> None:
        self._request = request
        self._result = result
        self._path = Path(request.path)
        self._commit = request.commit if local.is_commit(request.commit) else None
        self._git = command(request)
        self._upstream = Upstream.of(request, self._git)
        self._noted: dict[str, Any] = {}  # of a clone that was just made
        self._refs: ServerRefs | None = None  # once the server was asked for them
        self._remark: str | None = None  # what a user should know of a clone without an error

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
            self._describe()
            self._result.error = self._result.error or self._remark
        return status

    def head_commit(self) -> tuple[str | None, dict[str, bytes]]:
        """Return the commit that a clone would be at, None without any, and the files to read if a clone is there."""
        target = None if self._commit else self._upstream.head(beside(self._path, "heads"), None)
        commit = self._commit or (target.commit if target else None)
        exists = self._request.read_files and (self._path / ".git").is_dir()
        return commit, self._read() if commit and exists and local.head(self._path).commit == commit else {}

    def _remove_scratch(self) -> None:
        """Remove the scratch files of a process that was killed."""
        beside(self._path, "index").unlink(missing_ok=True)
        beside(self._path, "index.lock").unlink(missing_ok=True)
        folders.remove(beside(self._path, "lfs"))

    def _take_over(self) -> None:
        """Give the clone of a repository that was renamed its new name."""
        previous = self._request.previous_path and Path(self._request.previous_path)
        if previous and (previous / ".git").is_dir() and not os.path.lexists(self._path):
            with lock(beside(previous, "lock")):
                set_origin(previous, self._request.url)
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fsync.rename(previous, self._path)

    def _create(self) -> CloneStatus:
        """Make the clone beside its place, or resume one that was interrupted, and rename it when complete."""
        work = beside(self._path, "partial")
        is_resumed = local.state(work) is not None and local.is_sound(work)
        has_pointers = is_resumed or self._clone(work)
        head = local.head(work)
        target = head if head.commit and (not is_resumed or head.commit == self._commit) else self._fetch(work, head)
        if target.commit is None:
            folders.remove(work)
            return CloneStatus.EMPTY
        status = self._complete(work, target, moves=is_resumed or target != head, reads=has_pointers or target != head)
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
        except (GitError, OSError):  # what git leaves cannot be resumed
            folders.remove(work)
            raise
        if has_pointers:  # they may take long: what is there is to survive what comes
            fsync.sync(work)
            local.write_state(work, self._noted)
        self._result.downloaded_bytes += git
        return has_pointers

    def _update(self) -> CloneStatus:
        """Bring the clone to what its server has, unless it is there already."""
        if not local.is_sound(self._path):
            raise GitError("its HEAD cannot be read: scrapy verify --repair clones it again")
        memory = local.memory(self._path)
        self._check_origin()
        self._describe()
        head, git_bytes = local.head(self._path), self._result.git_bytes
        target = head if self._is_fresh(memory, head) else self._compare(head)
        if self._is_at(target, head, memory) and local.is_complete(local.state(self._path), self._request):
            state = self._renew()
            if self._lfs(self._path).are_stored(state["objects"]):
                return self._unmoved(state, is_fetched=self._result.git_bytes != git_bytes)
        return self._complete(self._path, target, moves=True, reads=True) or CloneStatus.UPDATED

    def _check_origin(self) -> None:
        """Let the clone know its server, which may have moved; raise `Refused` if it is of another repository."""
        now = origin(self._path)
        if now and is_other_repository(now, self._request.url):
            raise Refused(f"its folder holds another repository, {now}")
        if now != self._request.url:
            set_origin(self._path, self._request.url)

    def _is_fresh(self, memory: Mapping[str, Any], head: Head) -> bool:
        """Return whether the server need not be asked: HEAD is what the hub says, and the rest was compared lately."""
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
        """Fetch what the server has; where HEAD is what the hub says, a failure to compare the rest is a remark."""
        try:
            return self._fetch(self._path, head)
        except (Gated, Missing, Refused, Transient) as error:
            is_passing = isinstance(error, Transient) and not self._request.accept_partial
            if head.commit != self._commit or is_passing:
                raise
            self._remark = f"its other branches and tags could not be compared: {error}"
            return head

    def _fetch(self, clone: Path, head: Head) -> Head:
        """Bring the clone's branches and tags to the server's; return what HEAD should be."""
        refs = self._refs = self._upstream.refs()
        if refs.is_empty:
            return head
        tracking = self._tracking(clone)
        if not tracking.is_same(refs):
            before, limit = local.size(clone / ".git"), SizeLimit(clone, self._request.max_bytes)
            self._upstream.fetch(clone, tracking, refs, limit.fetching)
            self._result.git_bytes = local.size(clone / ".git")
            self._result.downloaded_bytes += max(0, self._result.git_bytes - before)
        target = refs.target(self._commit) or tracking.newest(self._commit) or head
        if target.commit and target.commit != head.commit:
            self._check_size(clone, target.commit)
        return target

    def _check_size(self, clone: Path, commit: str) -> None:
        try:
            SizeLimit(clone, self._request.max_bytes).commit(self._git, commit)
        except CommandFailed as error:
            raise Transient(f"its history changed while it was fetched: {error}") from error

    def _renew(self) -> dict[str, Any]:
        """Note what was compared for a clone whose HEAD is what it should be; return its state."""
        state = local.state(self._path) or {}
        new = self._compared(state)
        if not state.keys() >= {"bytes", "objects"} or not tree_files.path(self._path).exists():
            new |= self._lfs(self._path).upgrade(local.head(self._path).commit or "", state)
        new["git_bytes"] = self._result.git_bytes
        if {**new, "compared": state.get("compared")} != state or self._refs is not None:
            local.write_state(self._path, new)
        return new

    def _unmoved(self, state: Mapping[str, Any], *, is_fetched: bool) -> CloneStatus:
        """Return the status of a clone whose HEAD is what it was."""
        if state.get("large") and self._request.lfs != "none":
            return CloneStatus.LARGE
        return CloneStatus.UPDATED if is_fetched else CloneStatus.CURRENT

    def _lfs(self, clone: Path) -> LfsFiles:
        return LfsFiles(self._request, self._result, self._git, clone)

    def _complete(self, clone: Path, target: Head, *, moves: bool, reads: bool) -> CloneStatus | None:
        """Store the LFS files of a commit, then move the working tree to it; return the status, unless all is there.

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
        lfs.place()
        if clone == self._path:
            checkout.sync(clone, [*(change.path for change in changed), *lfs.wanted])
        else:
            fsync.sync(clone)
        return self._finish(clone, lfs)

    def _check_local_work(self, clone: Path, head: Head, target: Head, changed: Sequence[Change]) -> None:
        if (local.state(clone) or {}).get("assumed_unchanged"):
            worktree.compare_again(clone, self._git)
        if clone == self._path and not self._request.discard_changes:
            store, interrupted = Store(Path(self._request.store)), local.memory(clone).get("updating")
            work = LocalWork(self._git, clone, store, interrupted=interrupted)
            work.check(head.commit, target.commit or "", changed)

    def _move(self, clone: Path, head: Head, target: Head, lfs: LfsFiles) -> None:
        state, memory = local.state(clone) or {}, local.memory(clone)
        if state.get("lfs_files") != self._request.lfs_files == "pointer":
            worktree.remove(clone, lfs.files)
        local.write_state(clone, {**memory, "updating": target.commit})
        moved = Checkout(self._git, clone, self._tracking(clone), memory)
        moved.run(head, target)
        if moved.kept:
            self._remark = f"local commits were kept as {', '.join(moved.kept)}"

    def _finish(self, clone: Path, lfs: LfsFiles) -> CloneStatus | None:
        """Write the state of a clone that is on disk; return the status, unless all that is wanted is there."""
        head, names = local.head(clone), self._request.read_files
        read = contents(self._git, clone, head.commit, names) if head.commit else {}
        self._result.lfs_skipped = len(lfs.files) - len(lfs.wanted)
        state = {
            **self._compared(local.memory(clone)),
            **lfs.state(),
            "branch": head.branch,
            "commit": head.commit,
            "bytes": lfs.list_files(head.commit or "HEAD"),
            "git_bytes": local.size(clone / ".git"),
            "read": {name: _text(read.get(name)) for name in names},
        }
        local.write_state(clone, {name: value for name, value in state.items() if name != "updating"})
        if lfs.large:
            return CloneStatus.LARGE
        return CloneStatus.PARTIAL if state["error"] else None

    def _compared(self, memory: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is remembered of a clone, with what was compared now."""
        known = {**memory, **self._noted}
        if self._refs is None:
            return known
        return {**known, "tags": sorted(self._refs.tags), "compared": int(time.time())}

    def _tracking(self, clone: Path) -> Tracking:
        tags = {**local.memory(clone), **self._noted}.get("tags")
        return Tracking(git=self._git, clone=clone, tags=None if tags is None else frozenset(tags))

    def _describe(self) -> None:
        """Fill the result with what is on disk."""
        state = local.state(self._path) or {}
        self._result.path = self._request.path
        branch, self._result.commit = local.head(self._path)
        self._result.branch = branch and os.fsencode(branch).decode("utf-8", "replace")
        for name in ("error", "git_bytes", "lfs_objects", "lfs_bytes", "lfs_skipped"):
            if name in state:
                setattr(self._result, name, state[name])
        if state.get("large"):
            self._result.error = f"with its LFS files it has {state['large']} bytes; they stay pointers"
        if self._result.commit and self._request.read_files:
            self._result.files = self._read()

    def _read(self) -> dict[str, bytes]:
        """Return the files to read, as noted when the clone was last worked on, else from the commit."""
        noted = (local.state(self._path) or {}).get("read", {})
        if any(name not in noted for name in self._request.read_files):
            return contents(self._git, self._path, "HEAD", self._request.read_files)
        return {name: noted[name].encode() for name in self._request.read_files if noted[name] is not None}


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")
