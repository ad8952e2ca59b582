"""Makes and keeps clones: one plain function that takes and returns plain data, for any `Executor`."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ptmtorrent_scrapy.git import lfs, standing, worktree
from ptmtorrent_scrapy.git.environment import LASTING, check_url, configured, environment
from ptmtorrent_scrapy.git.errors import Cancelled, Gated, GitError, Missing, Refused
from ptmtorrent_scrapy.git.lock import Held, lock
from ptmtorrent_scrapy.git.process import Command, CommandFailed
from ptmtorrent_scrapy.git.repository import Outcome, Repository

_READ_BYTES = 1 << 20  # of a file that a hub's spider wants to see

# What `git lfs install --local` writes, for whoever works in the clone; our own commands leave the pointers.
_FILTER = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
}
_NO_FILTER = {**dict.fromkeys(_FILTER, ""), "filter.lfs.required": "false"}


def clone(repository: Repository) -> Outcome:
    """Clone the repository, or bring the clone that stands up to date.

    A repository that cannot be had is an outcome, not an error. Raises `Cancelled` only.
    """
    began = time.monotonic()
    outcome = Outcome(url=repository.url, started=datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        check_url(repository.url, repository.protocols)
        with lock(_beside(repository, "lock"), note=f"process {os.getpid()}"):
            outcome.status = _Clone(repository).bring(outcome)
    except Cancelled:
        raise
    except Held as error:
        outcome.error = f"{error or 'another process'} works on it; it is taken up by the next crawl"
    except (GitError, OSError) as error:
        kinds: dict[type[Exception], str] = {Refused: "refused", Gated: "gated", Missing: "missing"}
        outcome.status = kinds.get(type(error), "failed")
        outcome.error = str(error)
    outcome.seconds = round(time.monotonic() - began, 3)
    return outcome


def look(repository: Repository) -> tuple[str | None, dict[str, bytes]]:
    """The commit of the repository's HEAD, told by its server, None if it has none; and the files of `read`, if a clone
    of that commit stands. Raises `GitError`.
    """
    check_url(repository.url, repository.protocols)
    return _Clone(repository).look()


def _beside(repository: Repository, what: str) -> Path:
    path = Path(repository.path)
    return path.with_name(f".{path.name}~{what}")


class _Clone:
    """One repository on its way."""

    def __init__(self, repository: Repository) -> None:
        self.wanted = repository
        self.path = Path(repository.path)
        self.store = lfs.Store(Path(repository.store))
        variables = environment(
            timeout=repository.timeout,
            protocols=repository.protocols,
            configuration=repository.configuration,
            token=repository.token,
        )
        self.git = Command(
            scope=repository.scope, environment=configured(variables, _NO_FILTER), timeout=repository.timeout
        )

        self.error: str | None = None  # what git-lfs said last

    def bring(self, outcome: Outcome) -> str:
        """Make what stands what is wanted, fill in the outcome and return its status."""
        if (self.path / ".git").is_dir():
            self._describe(outcome)
            status = self._refresh()
        else:
            status = self._create()
        if status != "empty":
            self._describe(outcome)
        return status

    def remote_head(self) -> tuple[str | None, str | None]:
        """(branch, commit) of HEAD as the server tells them."""
        branch = commit = None
        for line in self._ask("git", "ls-remote", "--symref", "--", self.wanted.url, "HEAD").decode().splitlines():
            told, _, name = line.partition("\t")
            if name == "HEAD" and told.startswith("ref: refs/heads/"):
                branch = told.removeprefix("ref: refs/heads/")
            elif name == "HEAD":
                commit = told
        return branch, commit

    def look(self) -> tuple[str | None, dict[str, bytes]]:
        commit = self.remote_head()[1]
        stands = commit and self.wanted.read and (self.path / ".git").is_dir() and standing.head(self.path)[1] == commit
        return commit, self._read(commit) if commit and stands else {}

    def _create(self) -> str:
        work = _beside(self.wanted, "partial")
        resumed = standing.state(work) is not None
        if not resumed:
            shutil.rmtree(work, ignore_errors=True)
            self._clone(work)
            standing.write_state(work, {})
        branch, commit = self._upstream(work) if resumed else standing.head(work)
        if commit is None:
            shutil.rmtree(work)
            return "empty"
        if resumed or lfs.has_pointers(work):
            whole = self._complete(work, branch, commit, checkout=resumed)
        else:
            whole = self._finish(work, {}, {})
        work.rename(self.path)
        return "cloned" if whole else "partial"

    def _refresh(self) -> str:
        head = standing.head(self.path)
        branch, commit = self._upstream(self.path)
        if commit == head[1] and standing.is_whole(standing.state(self.path), self.wanted):
            return "current"
        return "updated" if self._complete(self.path, branch, commit, checkout=True) else "partial"

    def _clone(self, work: Path) -> None:
        storage = os.path.relpath(self.store.path, work / ".git")
        settings = {**LASTING, **_FILTER, "lfs.url": _lfs_url(self.wanted.url), "lfs.storage": storage}
        lasting = [f"--config={name}={value}" for name, value in settings.items()]
        self._ask(
            *("git", "clone", "--progress", "--no-recurse-submodules", "--template=", *lasting),
            *("--", self.wanted.url, str(work)),
            # A request less than version 2 of the protocol, which is for those who ask for few refs of many.
            environment=configured(self.git.environment, {"protocol.version": "0"}),
        )

    def _upstream(self, clone: Path) -> tuple[str | None, str | None]:
        """(branch, commit) that HEAD shall be, fetched; not asked for where the hub tells that it has not moved."""
        head = standing.head(clone)
        if head[1] == self.wanted.commit:
            return head
        branch, commit = self.remote_head()
        if commit is None or commit == head[1]:
            return head
        standing.remove_locks(clone)
        self._fetch(clone)
        return branch, commit

    def _fetch(self, clone: Path) -> None:
        """Fetch all branches. A branch that upstream has rewritten or removed stays under refs/rewritten/TIME/."""
        for name, value in (("remote.origin.url", self.wanted.url), ("lfs.url", _lfs_url(self.wanted.url))):
            self.git.run("git", "config", name, value, cwd=clone)
        kept = f"refs/rewritten/{datetime.now(UTC):%Y%m%dT%H%M%SZ}/"
        before = self._branches(clone)
        commands = "".join(f"create {kept}{branch} {commit}\n" for branch, commit in before.items())
        self.git.run("git", "update-ref", "--stdin", cwd=clone, stdin=commands.encode())
        refs = ("HEAD", f"+refs/heads/*:{_REMOTE}*")
        self._ask("git", "fetch", "--progress", "--prune", "--no-recurse-submodules", "origin", *refs, cwd=clone)
        after = self._branches(clone)
        for branch, commit in before.items():
            if branch in after and self._is_ancestor(clone, commit, after[branch]):
                self.git.run("git", "update-ref", "-d", kept + branch, cwd=clone)

    def _branches(self, clone: Path) -> dict[str, str]:
        listed = self.git.run("git", "for-each-ref", "--format=%(objectname) %(refname)", _REMOTE, cwd=clone)
        pairs = (line.split(" ", 1) for line in os.fsdecode(listed).splitlines())
        return {name.removeprefix(_REMOTE): commit for commit, name in pairs if name != f"{_REMOTE}HEAD"}

    def _is_ancestor(self, clone: Path, old: str, new: str) -> bool:
        if old == new:
            return True
        counted = self.git.run("git", "rev-list", "--count", "--max-count=1", old, f"^{new}", cwd=clone)
        return counted.strip() == b"0"

    def _complete(self, clone: Path, branch: str | None, commit: str | None, *, checkout: bool) -> bool:
        """Bring the large files of the commit, then the working tree to it; whether all that is wanted is there.

        The working tree changes last and in one go, so a clone that stands is never seen without its large files.
        """
        assert commit is not None
        files = self._pointers(clone, commit)
        wanted = self._wanted(clone, commit, files)
        self.error = self.store.fetch(
            wanted.values(), git=self.git, url=_lfs_url(self.wanted.url), scratch=_beside(self.wanted, "lfs")
        )
        if checkout:
            before = standing.state(clone) or {}
            if before.get("lfs_files") != self.wanted.lfs_files == "pointer":
                worktree.remove(clone, files)
            standing.write_state(clone, {})
            standing.remove_locks(clone)
            target = ["-B", branch, commit] if branch else ["--detach", commit]
            self.git.run("git", "checkout", "--force", "--no-recurse-submodules", *target, "--", cwd=clone)
        if self.wanted.lfs_files != "pointer":
            worktree.place(clone, files, self.store, link=self.wanted.lfs_files == "link")
        return self._finish(clone, files, wanted)

    def _finish(self, clone: Path, files: Mapping[bytes, lfs.Pointer], wanted: Mapping[bytes, lfs.Pointer]) -> bool:
        """Write down what the clone has of its large files; whether that is all that is wanted."""
        missing = self.store.missing(wanted.values())
        there = [pointer for pointer in dict.fromkeys(files.values()) if self.store.has(pointer)]
        standing.write_state(
            clone,
            {
                "lfs": self.wanted.lfs,
                "lfs_files": self.wanted.lfs_files,
                "error": f"{len(missing)} large files could not be had: {self.error}" if missing else None,
                "left_out": len(files) - len(wanted),
                "git_bytes": standing.size(clone / ".git"),
                "lfs_objects": len(there),
                "lfs_bytes": sum(pointer.size for pointer in there),
            },
        )
        return not missing

    def _pointers(self, clone: Path, commit: str) -> dict[bytes, lfs.Pointer]:
        """The large files of a commit, which need not be the one that is checked out."""
        if commit == standing.head(clone)[1]:
            return lfs.pointers(self.git, clone, commit)
        index = _beside(self.wanted, "index").resolve()
        other = replace(self.git, environment={**self.git.environment, "GIT_INDEX_FILE": str(index)})
        try:
            other.run("git", "read-tree", commit, cwd=clone)
            return lfs.pointers(other, clone, commit)
        finally:
            index.unlink(missing_ok=True)

    def _wanted(self, clone: Path, commit: str, files: Mapping[bytes, lfs.Pointer]) -> dict[bytes, lfs.Pointer]:
        if not files or self.wanted.lfs == "all":
            return dict(files)
        if self.wanted.lfs == "none":
            return {}
        if self.wanted.lfs == "auto":
            left_out = lfs.excluded(self.git, clone, commit, files)
            return {path: pointer for path, pointer in files.items() if path not in left_out}
        return {path: pointer for path, pointer in files.items() if pointer.size <= int(self.wanted.lfs)}

    def _describe(self, outcome: Outcome) -> None:
        """Tell of the clone that stands."""
        state = standing.state(self.path) or {}
        outcome.path = self.wanted.path
        outcome.branch, outcome.commit = standing.head(self.path)
        for name in ("error", "git_bytes", "lfs_objects", "lfs_bytes"):
            if name in state:
                setattr(outcome, name, state[name])
        if outcome.commit and self.wanted.read:
            outcome.files = self._read(outcome.commit)

    def _read(self, commit: str) -> dict[str, bytes]:
        """Contents of files of a commit; what is not there, or larger than a file to read should be, is left out."""
        asked = "".join(f"{commit}:{path}\n" for path in self.wanted.read).encode()
        checked = self.git.run("git", "cat-file", "--batch-check", cwd=self.path, stdin=asked).decode().splitlines()
        found = {
            path: told.split()[0]
            for path, told in zip(self.wanted.read, checked, strict=True)
            if told.split()[1] == "blob" and int(told.split()[2]) <= _READ_BYTES
        }
        if not found:
            return {}
        asked = "".join(f"{oid}\n" for oid in found.values()).encode()
        contents = lfs.batch(self.git.run("git", "cat-file", "--batch", cwd=self.path, stdin=asked))
        return dict(zip(found, contents, strict=True))

    def _ask(self, *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> bytes:
        """Run a command that talks to the server; its failures are told apart."""
        try:
            return self.git.run(*arguments, cwd=cwd, environment=environment)
        except CommandFailed as error:
            raise _reason(error, self.wanted) from error


_REMOTE = "refs/remotes/origin/"

# What git says (in the C locale) of the ways in which a server or a repository fails it.
_GONE = (
    "not found",
    "error: 404",
    "error: 410",
    "error: 451",
    "is this a git repository",
    "does not appear to be a git",
)
_UNKNOWN_USER = ("could not read Username", "could not read Password", "Authentication failed", "error: 401")
_UNSAFE = ("fsck", "not allowed", "refusing to", "invalid path", "disallowed", "malformed")


def _reason(error: CommandFailed, repository: Repository) -> GitError:
    said = error.stderr
    if any(words in said for words in _UNSAFE):
        return Refused(str(error))
    if "error: 403" in said or (repository.gated and any(words in said for words in _UNKNOWN_USER)):
        return Gated("access is restricted; a token of a user who has access is needed")
    if any(words in said for words in _GONE + _UNKNOWN_USER):
        return Missing("there is no such repository, or it is not public")
    return error


def _lfs_url(url: str) -> str:
    """Where a repository's large files are asked for (git-lfs's docs/api/server-discovery.md)."""
    return f"{url.rstrip('/').removesuffix('.git')}.git/info/lfs"
