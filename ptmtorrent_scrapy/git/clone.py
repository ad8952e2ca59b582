"""Makes and keeps clones: one plain function that takes and returns plain data, for any `Executor`."""

import errno
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git import blobs, local
from ptmtorrent_scrapy.git.blobs import contents
from ptmtorrent_scrapy.git.environment import HARDENED, check_url, configured
from ptmtorrent_scrapy.git.error_messages import of_os
from ptmtorrent_scrapy.git.errors import (
    Cancelled,
    Gated,
    GitError,
    Large,
    Missing,
    NoSpace,
    OverBudget,
    Refused,
    TooFewFiles,
    Transient,
    Unavailable,
)
from ptmtorrent_scrapy.git.lfs import attributes, own_storage, pointers, worktree
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, CloneStatus, FailureKind
from ptmtorrent_scrapy.git.remote import Upstream, command, lfs_server, lfs_url
from ptmtorrent_scrapy.git.size_limit import SizeLimit
from ptmtorrent_scrapy.storage import folders, fsync
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_LIES = "what their server has is of another size or content"
_STATUSES: dict[type[Exception], CloneStatus] = {
    Refused: CloneStatus.REFUSED,
    Gated: CloneStatus.GATED,
    Missing: CloneStatus.MISSING,
    Large: CloneStatus.LARGE,
}
_FAILURES: dict[type[Exception], FailureKind] = {
    LockHeld: FailureKind.RETRY,
    Unavailable: FailureKind.HOST,
    Transient: FailureKind.RETRY,
    NoSpace: FailureKind.DISK_FULL,
    OverBudget: FailureKind.BUDGET,
}


def clone(repository: CloneRequest) -> CloneResult:
    """Clone the repository, or bring the clone that stands up to date.

    A repository that cannot be had is an outcome, not an error. Raises `Cancelled` only.
    """
    began = time.monotonic()
    outcome = CloneResult(url=repository.url, started=datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        check_url(repository.url, repository.protocols)
        with lock(_beside(repository, "lock"), note=f"process {os.getpid()}"):
            outcome.status = _Clone(repository, outcome).bring()
    except Cancelled:
        raise
    except (LockHeld, GitError, OSError) as error:
        _fail(outcome, error)
        if isinstance(of_os(error), TooFewFiles) and repository.accept_partial:
            outcome.failure = FailureKind.MACHINE  # more attempts do not help: it is not the repository's fault
    except Exception as error:  # one bad repository never ends a crawl
        outcome.error = f"a fault of this program, please report it: {error!r}"
        outcome.failure = FailureKind.INTERNAL
    outcome.seconds = round(time.monotonic() - began, 3)
    return outcome


def _fail(outcome: CloneResult, error: Exception) -> None:
    error = of_os(error)
    outcome.status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), CloneStatus.FAILED)
    outcome.failure = next((failure for kind, failure in _FAILURES.items() if isinstance(error, kind)), None)
    outcome.error = str(error)
    if isinstance(error, Unavailable):
        outcome.pause = error.pause
    elif isinstance(error, OverBudget):
        outcome.needed = error.needed
    elif isinstance(error, LockHeld):
        outcome.error = f"{error or 'another process'} works on it; it is taken up by the next crawl"
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        outcome.failure = FailureKind.DISK_FULL


def head_commit(repository: CloneRequest) -> tuple[str | None, dict[str, bytes]]:
    """The commit of HEAD, as the hub or else the server tells it, None if there is none; and the files of `read`, if a
    clone of that commit stands. Raises `GitError`.
    """
    check_url(repository.url, repository.protocols)
    return _Clone(repository, CloneResult(url=repository.url)).head_commit()


def redirected(repository: CloneRequest) -> str | None:
    """Where the server of the repository says that it is now, None if nowhere else. Raises `GitError`."""
    check_url(repository.url, repository.protocols)
    return _Clone(repository, CloneResult(url=repository.url)).upstream.redirected()


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")


def _beside(repository: CloneRequest, what: str) -> Path:
    path = Path(repository.path)
    return path.with_name(f".{path.name}~{what}")


class _Clone:
    """One repository on its way."""

    def __init__(self, repository: CloneRequest, outcome: CloneResult) -> None:
        self.wanted = repository
        self.outcome = outcome
        self.path = Path(repository.path)
        self.store = Store(Path(repository.store))
        self.git = command(repository)
        self.upstream = Upstream.of(repository, self.git)

    def bring(self) -> CloneStatus:
        """Make what stands what is wanted, fill in the outcome and return its status."""
        self._clean_up()
        self._take_over()
        if self.path.exists() and not (self.path / ".git").is_dir():
            raise GitError(f"{self.path} is in the way, and no clone: move it away")
        if (self.path / ".git").is_dir():
            if not local.is_sound(self.path):
                raise GitError("its HEAD cannot be read: scrapy verify --repair clones it anew")
            self._describe()
            status = self._refresh()
        else:
            status = self._create()
        if status != CloneStatus.EMPTY:
            self._describe()
        return status

    def head_commit(self) -> tuple[str | None, dict[str, bytes]]:
        commit = self.wanted.commit or self.upstream.head()[1]
        exists = self.wanted.read_files and (self.path / ".git").is_dir()
        return commit, self._read() if commit and exists and local.head(self.path)[1] == commit else {}

    def _clean_up(self) -> None:
        """Remove the scratch of one that was killed."""
        _beside(self.wanted, "index").unlink(missing_ok=True)
        _beside(self.wanted, "index.lock").unlink(missing_ok=True)
        folders.remove(_beside(self.wanted, "lfs"))

    def _take_over(self) -> None:
        """Give the clone of a repository that was renamed its new name."""
        former = self.wanted.previous_path and Path(self.wanted.previous_path)
        if former and (former / ".git").is_dir() and not self.path.exists():
            with lock(former.with_name(f".{former.name}~lock")):
                self.upstream.is_of(former)
                self.path.parent.mkdir(parents=True, exist_ok=True)
                fsync.rename(former, self.path)

    def _create(self) -> CloneStatus:
        work = _beside(self.wanted, "partial")
        resumed = local.state(work) is not None and local.is_sound(work)
        large_files = resumed or self._clone(work)
        branch, commit = self._head(work) if resumed else local.head(work)
        if commit is None:
            folders.remove(work)
            return CloneStatus.EMPTY
        if large_files:
            status = self._complete(work, branch, commit, checkout=resumed)
            fsync.sync(work)
        else:
            fsync.sync(work)
            status = self._finish(work, {}, {}, None)
        fsync.rename(work, self.path)
        return status or CloneStatus.CLONED

    def _clone(self, work: Path) -> bool:
        """Let git make the clone; whether it has pointers."""
        folders.remove(work)
        growth = SizeLimit(work, self.wanted.max_bytes)
        try:
            self.upstream.clone(work, growth.cloning)
            large_files, size, entries = pointers.survey(work)
            git = local.size(work / ".git")
            growth.check(size - git, entries, git=git)
        except (Large, Refused, NoSpace):
            folders.remove(work)
            raise
        if large_files:  # they may take long: what is there is to survive what comes
            fsync.sync(work)
            local.write_state(work, {})
        self.outcome.downloaded_bytes += git
        return large_files

    def _refresh(self) -> CloneStatus:
        state, head = local.state(self.path), local.head(self.path)
        branch, commit = self._head(self.path)
        if state and commit and commit == head[1] and local.is_whole(state, self.wanted):
            state = self._upgrade(state, commit)
            if all(self.store.has(Pointer(oid, size)) for oid, size in state["objects"].items()):
                is_large = state.get("large") and self.wanted.lfs != "none"
                return CloneStatus.LARGE if is_large else CloneStatus.CURRENT
        return self._complete(self.path, branch, commit, checkout=True) or CloneStatus.UPDATED

    def _upgrade(self, state: dict[str, Any], commit: str) -> dict[str, Any]:
        """Return the state of a whole clone; one that an earlier version left gets LFS objects of its own."""
        if state.keys() >= {"bytes", "objects"}:
            return state
        files = pointers.of_commit(self.git, self.path, commit)
        wanted = {} if state.get("large") else pointers.wanted(self.git, self.path, commit, files, state["lfs"])
        own_storage.link_objects(self.path, wanted.values(), self.store)
        own_storage.separate(self.path, self.git)
        objects = {pointer.oid: pointer.size for pointer in wanted.values()}
        state = {**state, "bytes": self._bytes(self.path, commit, files), "objects": objects}
        local.write_state(self.path, state)
        return state

    def _head(self, clone: Path) -> tuple[str | None, str | None]:
        """(branch, commit) that HEAD shall be, fetched; not asked for where the hub tells that it has not moved."""
        head = local.head(clone)
        if head[1] == self.wanted.commit:
            return head
        branch, commit = self.upstream.head()
        if commit is None or commit == head[1]:
            return head
        before, growth = local.size(clone / ".git"), SizeLimit(clone, self.wanted.max_bytes)
        self.upstream.fetch(clone, growth.fetching)
        self.outcome.downloaded_bytes += max(0, local.size(clone / ".git") - before)
        growth.commit(self.git, commit)
        return branch, commit

    def _complete(self, clone: Path, branch: str | None, commit: str | None, *, checkout: bool) -> CloneStatus | None:
        """Bring the large files of the commit, then the working tree to it; the status, if something wanted is missing.

        The working tree changes last and in one go, so a clone that stands is never seen without its large files.
        """
        assert commit is not None
        files = self._pointers(clone, commit)
        wanted = pointers.wanted(self.git, clone, commit, files, self.wanted.lfs)
        size = local.size(clone / ".git") + sum(pointer.size for pointer in set(wanted.values()))
        large = size if wanted and self.wanted.max_bytes is not None and size > self.wanted.max_bytes else None
        error = None if large else self._fetch(clone, wanted)
        if error:
            error = self._named_elsewhere(clone, commit, error)
        if checkout:
            self._check_out(clone, branch, commit, files)
        placed = {} if large else wanted
        if self.wanted.lfs_files != "pointer":
            attributes.cover(clone, (path for path, pointer in placed.items() if not pointer.is_covered))
            linked = worktree.place(clone, placed, self.store, git=self.git, link=self.wanted.lfs_files == "link")
            self.outcome.copied = not linked
        for pointer in own_storage.link_objects(clone, placed.values(), self.store):
            self.store.note_checked(pointer.oid)  # a new link changes what was noted of the file
        return self._finish(clone, files, {} if large else wanted, error, large=large)

    def _named_elsewhere(self, clone: Path, commit: str, error: GitError) -> GitError:
        """Return the error with the LFS server that the commit names itself, which is not asked."""
        named = pointers.lfs_config(self.git, clone, commit, "lfs.url")
        if not named or named == lfs_url(self.wanted.url):
            return error
        return GitError(f"{error}; its .lfsconfig names another LFS server ({named[:200]!r}), which is not used")

    def _fetch(self, clone: Path, wanted: Mapping[bytes, Pointer]) -> GitError | None:
        """Fetch large files, from the mirrors what the repository's own server no longer has; why some are missing.

        Raises `NoSpace`, `OverBudget`, and `Transient` unless the clone is to stand all the same.
        """
        damaged = self.store.set_damaged_aside(own_storage.not_linked(clone, wanted.values()))
        own_storage.give_back(clone, self.store.missing(wanted.values()), self.store)
        missing = self.store.missing(wanted.values())
        size = sum(pointer.size for pointer in missing)
        if self.wanted.budget is not None and size > self.wanted.budget:
            raise OverBudget(size)
        fitting, unfit = self._room(missing)
        errors: list[GitError | None] = []
        for server in (self.wanted.url, *self.wanted.mirrors):
            if self.store.missing(fitting):
                scratch = _beside(self.wanted, "lfs")
                asked = lfs_server(self.wanted, server)
                error = self.store.fetch(fitting, git=self.git, server=asked, scratch=scratch)
                if isinstance(error, Unavailable) and server != self.wanted.url:
                    error = Transient(f"{server}: {error}")  # it is not the repository's own host that rests
                errors.append(error)
        self.store.remove_aside(damaged)
        left = self.store.missing(missing)
        self.outcome.downloaded_bytes += size - sum(pointer.size for pointer in left)
        grave = [error for error in (*errors, unfit) if left and error]
        for error in grave:
            if isinstance(error, NoSpace) or (isinstance(error, Transient) and not self.wanted.accept_partial):
                raise error
        return next(iter(grave), None)

    def _room(self, missing: Iterable[Pointer]) -> tuple[list[Pointer], GitError | None]:
        """(the large files for which the disk has room, smallest first; what is to be said of the others)."""
        disk = shutil.disk_usage(self.path.parent)
        room, total = disk.free - self.wanted.min_free, 0
        fitting = []
        for pointer in sorted(missing, key=lambda pointer: pointer.size):
            total += pointer.size
            if total <= room:
                fitting.append(pointer)
        if total <= room:
            return fitting, None
        if total <= disk.total:  # else they will never fit
            self.outcome.failure = FailureKind.LACKS_ROOM
        return fitting, GitError(f"they have {total} bytes, and there is room for {max(room, 0)}")

    def _check_out(self, clone: Path, branch: str | None, commit: str, files: Mapping[bytes, Pointer]) -> None:
        before = local.state(clone) or {}
        if before.get("lfs_files") != self.wanted.lfs_files == "pointer":
            worktree.remove(clone, files)
        local.write_state(clone, {})
        local.remove_left(clone)
        if before.get("assumed_unchanged"):
            worktree.compare_again(clone, self.git)
        is_name = branch is not None and not branch.startswith("-") and branch != "HEAD"  # that git checkout takes
        target = ["-B", branch or "", commit] if is_name else ["--detach", commit]
        self.git.run(
            *("git", "checkout", "--force", "--no-recurse-submodules", *target, "--"),
            cwd=clone,
            environment=configured(self.git.environment, HARDENED),
        )

    def _finish(
        self,
        clone: Path,
        files: Mapping[bytes, Pointer],
        wanted: Mapping[bytes, Pointer],
        error: GitError | None,
        *,
        large: int | None = None,
    ) -> CloneStatus | None:
        """Write down what the clone has of its large files; the status, if that is not all that is wanted."""
        missing = self.store.missing(wanted.values())
        there = [pointer for pointer in dict.fromkeys(wanted.values()) if self.store.has(pointer)]
        self.outcome.lfs_skipped = len(files) - len(wanted)
        commit = local.head(clone)[1]
        read = contents(self.git, clone, commit, self.wanted.read_files) if commit else {}
        local.write_state(
            clone,
            {
                "lfs": self.wanted.lfs,
                "lfs_files": self.wanted.lfs_files,
                "copied": self.outcome.copied,
                "error": f"{len(missing)} large files could not be had: {error or _LIES}" if missing else None,
                "large": large,
                "left_out": len(files) - len(wanted),
                "bytes": commit and self._bytes(clone, commit, files),
                "git_bytes": local.size(clone / ".git"),
                "objects": {pointer.oid: pointer.size for pointer in there},
                "assumed_unchanged": any(not pointer.is_canonical for pointer in wanted.values()),
                "lfs_objects": len(there),
                "lfs_bytes": sum(pointer.size for pointer in there),
                "read": {name: _text(read.get(name)) for name in self.wanted.read_files},
            },
        )
        if large:
            return CloneStatus.LARGE
        return CloneStatus.PARTIAL if missing else None

    def _bytes(self, clone: Path, commit: str, files: Mapping[bytes, Pointer]) -> int:
        """Return the bytes of a commit's files, of large ones as their pointers say."""
        return blobs.size(self.git, clone, commit, {path: pointer.size for path, pointer in files.items()})

    def _pointers(self, clone: Path, commit: str) -> dict[bytes, Pointer]:
        """The large files of a commit, which need not be the one that is checked out."""
        if commit == local.head(clone)[1]:
            return pointers.of_commit(self.git, clone, commit)
        index = _beside(self.wanted, "index").resolve()
        other = replace(self.git, environment={**self.git.environment, "GIT_INDEX_FILE": str(index)})
        try:
            other.run("git", "read-tree", commit, cwd=clone)
            return pointers.of_commit(other, clone, commit)
        finally:
            index.unlink(missing_ok=True)

    def _describe(self) -> None:
        """Tell of the clone that stands."""
        state = local.state(self.path) or {}
        self.outcome.path = self.wanted.path
        branch, self.outcome.commit = local.head(self.path)
        self.outcome.branch = branch and os.fsencode(branch).decode("utf-8", "replace")
        for name in ("error", "git_bytes", "lfs_objects", "lfs_bytes", "left_out"):
            if name in state:
                setattr(self.outcome, name, state[name])
        if state.get("large"):
            self.outcome.error = f"with its large files it has {state['large']} bytes, which are left out"
        if self.outcome.commit and self.wanted.read_files:
            self.outcome.files = self._read()

    def _read(self) -> dict[str, bytes]:
        """What was noted of the files of `read` when the clone was last worked on, else read now."""
        noted = (local.state(self.path) or {}).get("read", {})
        if any(name not in noted for name in self.wanted.read_files):
            return contents(self.git, self.path, "HEAD", self.wanted.read_files)
        return {name: noted[name].encode() for name in self.wanted.read_files if noted[name] is not None}
