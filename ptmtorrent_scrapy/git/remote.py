"""A repository on its server: ask for its HEAD, clone it, fetch changes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, Unpack

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.command import Command, CommandFailed, Completed, Options
from ptmtorrent_scrapy.git.environment import HARDENED, LASTING, configured, environment
from ptmtorrent_scrapy.git.error_messages import of_git
from ptmtorrent_scrapy.git.errors import Refused, Unavailable
from ptmtorrent_scrapy.git.lfs.rate import window
from ptmtorrent_scrapy.git.lfs.server import LfsServer
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.git.refs import HEADS, TAGS, Head, ServerRefs, parse
from ptmtorrent_scrapy.git.tracking import MANY, REFSPECS, Tracking
from ptmtorrent_scrapy.network import instead_of
from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, origins
from ptmtorrent_scrapy.network.connections import Network
from ptmtorrent_scrapy.network.guard import Guard
from ptmtorrent_scrapy.storage import folders

# As written by `git lfs install --local`, for later work in the clone; our own commands keep the pointers.
_FILTER = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
}
_NO_FILTER = {**dict.fromkeys(_FILTER, ""), "filter.lfs.required": "false"}

# Writes headers of answers to standard error, for the pause that a server demands; git hides secrets in them.
_TRACE = {"GIT_TRACE_CURL": "2", "GIT_TRACE_CURL_NO_DATA": "1"}
_REFERENCES = 1 << 27  # bytes: some two million
_REDIRECTED = re.compile(r"^warning: redirecting to (\S+)$", re.MULTILINE)


def lfs_url(url: str) -> str:
    """Return the URL of a repository's LFS server (git-lfs's docs/api/server-discovery.md)."""
    if url.rstrip("/").endswith("/info/lfs"):
        return url.rstrip("/")
    return f"{url.rstrip('/').removesuffix('.git')}.git/info/lfs"


def network(repository: CloneRequest, *, idle_seconds: float | None = None) -> Network:
    """Return the network settings for the servers of a repository."""
    named = (repository.url, *repository.mirrors) if repository.trusted is None else repository.trusted
    policy = AddressPolicy(trusted=origins((*named, *instead_of.values(repository.configuration))))
    seconds = repository.timeout if idle_seconds is None else idle_seconds
    return Network(policy=policy, configuration=repository.configuration, idle_seconds=seconds)


def lfs_server(repository: CloneRequest, url: str) -> LfsServer:
    """Return the LFS server of a repository, or of its mirror, at a repository's URL."""
    return LfsServer(
        url=instead_of.apply(lfs_url(url), repository.configuration),
        network=network(repository, idle_seconds=window(repository.timeout)),
        protocols=repository.protocols,
        token=repository.token,
        user_agent=f"git-lfs/3 {repository.user_agent}".rstrip(),
        min_rate=repository.min_rate,
        timeout=repository.timeout,
    )


def lasting_settings(url: str) -> dict[str, str]:
    """Return the settings that a clone keeps."""
    return {**LASTING, **_FILTER, "lfs.url": lfs_url(url)}


def command(repository: CloneRequest) -> Command:
    """Return the git command for a repository; LFS files stay pointers, whatever its attributes say."""
    variables = environment(
        timeout=repository.timeout,
        protocols=repository.protocols,
        configuration=repository.configuration,
        token=repository.token,
        user_agent=repository.user_agent,
        min_rate=repository.min_rate,
    )
    return Command(scope=repository.scope, environment=configured(variables, _NO_FILTER), timeout=repository.timeout)


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A repository on its server, asked by `git`. All methods raise `GitError`."""

    git: Command
    url: str
    gated: bool  # the hub says that access is restricted
    network: Network

    @classmethod
    def of(cls, repository: CloneRequest, git: Command) -> Self:
        """Return the server of a repository."""
        return cls(git=git, url=repository.url, gated=repository.gated, network=network(repository))

    def refs(self) -> ServerRefs:
        """Return its HEAD, branches and tags."""
        patterns = ("HEAD", f"{HEADS}*", f"{TAGS}*")
        listed = bytearray()

        def take(piece: bytes) -> None:
            listed.extend(piece)
            if len(listed) > _REFERENCES:
                raise Refused(f"its server lists more than {_REFERENCES} bytes of references")

        self._ask("git", "ls-remote", "--symref", "--", self.url, *patterns, output=take)
        return parse(bytes(listed))

    def head(self, scratch: Path, hub_commit: str | None) -> Head | None:
        """Return the commit that a clone would have; None for an empty repository. `scratch` is a temporary folder."""
        refs = self.refs()
        if refs.is_empty or (target := refs.target(hub_commit)):
            return None if refs.is_empty else target
        if hub_commit:
            return Head(None, hub_commit)
        folders.remove(scratch)
        try:
            self._fetch_commits(scratch)
            return Tracking(git=self.git, clone=scratch).newest(None)
        finally:
            folders.remove(scratch)

    def _fetch_commits(self, scratch: Path) -> None:
        """Fetch the last commits of all branches and tags, without their files."""
        self.git.run("git", "init", "--quiet", "--template=", str(scratch))
        options = ("--depth=1", "--filter=tree:0", "--no-recurse-submodules", "--no-tags")
        self._ask("git", "fetch", *options, "--", self.url, *REFSPECS, cwd=scratch)

    def redirected(self) -> str | None:
        """Return the URL that its server redirects to, or None."""
        found = _REDIRECTED.findall(self._ask("git", "ls-remote", "--", self.url, "HEAD").stderr)
        return found[-1].rstrip("/") if found else None

    def clone(self, work: Path, progress: Callable[[], object]) -> None:
        """Clone it, large files as pointers."""
        settings = lasting_settings(self.url)
        lasting = [f"--config={name}={value}" for name, value in settings.items()]
        self._ask(
            *("git", "clone", "--progress", "--no-recurse-submodules", "--template=", *lasting),
            *("--", self.url, str(work)),
            # One request less than version 2 of the protocol, which helps only if few of many refs are needed.
            environment=configured(self.git.environment, {"protocol.version": "0"}),
            progress=progress,
        )

    def clone_last_commit(self, work: Path, progress: Callable[[], object]) -> None:
        """Clone its last commit, without a working tree."""
        options = ("--progress", "--depth=1", "--no-checkout", "--no-recurse-submodules", "--template=")
        self._ask("git", "clone", *options, "--", self.url, str(work), progress=progress)

    def fetch(self, clone: Path, tracking: Tracking, refs: ServerRefs, progress: Callable[[], object]) -> None:
        """Update the branches and tags of a clone from its server; commits that upstream drops are kept."""
        local.remove_left(clone)
        changes = tracking.prepare(refs)
        detached = [refs.head] if refs.head and refs.branch not in refs.branches else []
        if len(changes) > MANY:
            objects = dict.fromkeys([*(oid for oid in changes.values() if oid), *detached])
            if objects:
                self._fetch(clone, ("--stdin", "--", self.url), progress, stdin="".join(f"{oid}\n" for oid in objects))
            tracking.change(changes)
        else:
            self._fetch(clone, ("--", self.url, *(["HEAD"] if detached else ()), *REFSPECS), progress)
        tracking.conclude(refs)

    def fetch_commit(self, clone: Path, commit: str, progress: Callable[[], object]) -> bool:
        """Fetch a commit that no branch or tag reaches; return whether the server has it."""
        try:
            self._fetch(clone, ("--", self.url, commit), progress)
        except CommandFailed:  # "not our ref"
            return False
        return Tracking(git=self.git, clone=clone).has(commit)

    def _fetch(self, clone: Path, refspecs: Sequence[str], progress: Callable[[], object], *, stdin: str = "") -> None:
        self._ask(
            *("git", "fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", *refspecs),
            cwd=clone,
            stdin=stdin.encode(),
            environment=configured(self.git.environment, HARDENED),
            progress=progress,
        )

    def _ask(self, *arguments: str, **options: Unpack[Options]) -> Completed:
        """Run a command that asks the server."""
        guard = Guard(self.network)
        own = {**self.git.environment, **(options.get("environment") or {})}
        options["environment"] = {**configured(own, guard.git_settings), **_TRACE}
        try:
            return self.git.complete(*arguments, **options)
        except CommandFailed as error:
            if isinstance(guard.failure, AddressRefused):
                raise Refused(f"its server leads elsewhere: {guard.failure}") from error
            if guard.failure is not None:
                raise Unavailable(str(guard.failure)) from error
            raise of_git(error, gated=self.gated) from error
