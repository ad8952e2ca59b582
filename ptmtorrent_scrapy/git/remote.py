"""A repository on its server: its HEAD, its clone, what is new of it."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.command import Command, CommandFailed, Completed
from ptmtorrent_scrapy.git.environment import HARDENED, LASTING, configured, environment
from ptmtorrent_scrapy.git.error_messages import of_git
from ptmtorrent_scrapy.git.errors import Refused, Unavailable
from ptmtorrent_scrapy.git.lfs.gateway import LfsServer
from ptmtorrent_scrapy.git.lfs.rate import window
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.network import instead_of
from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, origins
from ptmtorrent_scrapy.network.connections import Network
from ptmtorrent_scrapy.network.guard import Guard

# What `git lfs install --local` writes, for whoever works in the clone; our own commands leave the pointers.
_FILTER = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
}
_NO_FILTER = {**dict.fromkeys(_FILTER, ""), "filter.lfs.required": "false"}

# The headers of answers on standard error, for the pause that a server asks for; git leaves out what is secret.
_TRACE = {"GIT_TRACE_CURL": "2", "GIT_TRACE_CURL_NO_DATA": "1"}
_REMOTE = "refs/remotes/origin/"
_REWRITTEN = "refs/rewritten/"
_REDIRECTED = re.compile(r"^warning: redirecting to (\S+)$", re.MULTILINE)


def lfs_url(url: str) -> str:
    """Return the URL of a repository's LFS server (git-lfs's docs/api/server-discovery.md)."""
    if url.rstrip("/").endswith("/info/lfs"):
        return url.rstrip("/")
    return f"{url.rstrip('/').removesuffix('.git')}.git/info/lfs"


def network(repository: CloneRequest, *, idle_seconds: float | None = None) -> Network:
    """Return how the servers of a repository are reached."""
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
    """How git runs for a repository: large files stay pointers whatever its attributes say."""
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

    def head(self) -> tuple[str | None, str | None]:
        """(branch, commit) of HEAD."""
        branch = commit = None
        for line in self._ask("git", "ls-remote", "--symref", "--", self.url, "HEAD").stdout.splitlines():
            told, _, name = os.fsdecode(line).partition("\t")
            if name == "HEAD" and told.startswith("ref: refs/heads/"):
                branch = told.removeprefix("ref: refs/heads/")
            elif name == "HEAD":
                commit = told
        return branch, commit

    def redirected(self) -> str | None:
        """Where its server says that it is now; None where it says nothing of the kind."""
        found = _REDIRECTED.findall(self._ask("git", "ls-remote", "--", self.url, "HEAD").stderr)
        return found[-1].rstrip("/") if found else None

    def clone(self, work: Path, progress: Callable[[], object]) -> None:
        """Clone it, large files as pointers."""
        settings = lasting_settings(self.url)
        lasting = [f"--config={name}={value}" for name, value in settings.items()]
        self._ask(
            *("git", "clone", "--progress", "--no-recurse-submodules", "--template=", *lasting),
            *("--", self.url, str(work)),
            # A request less than version 2 of the protocol, which is for those who ask for few refs of many.
            environment=configured(self.git.environment, {"protocol.version": "0"}),
            progress=progress,
        )

    def clone_last_commit(self, work: Path, progress: Callable[[], object]) -> None:
        """Clone its last commit, without a working tree."""
        options = ("--progress", "--depth=1", "--no-checkout", "--no-recurse-submodules", "--template=")
        self._ask("git", "clone", *options, "--", self.url, str(work), progress=progress)

    def is_of(self, clone: Path) -> None:
        """Let a clone know that this is where it comes from."""
        for name, value in (("remote.origin.url", self.url), ("lfs.url", lfs_url(self.url))):
            self.git.run("git", "config", name, value, cwd=clone)

    def fetch(self, clone: Path, progress: Callable[[], object]) -> None:
        """Fetch all branches. What upstream has rewritten or removed stays under refs/rewritten/TIME/."""
        local.remove_left(clone)
        self.is_of(clone)
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        before = self._refs(clone, _REMOTE)
        self._update_refs(clone, (f"update {_REWRITTEN}{now}/{name} {commit}" for name, commit in before.items()))
        refs = ("HEAD", f"+refs/heads/*:{_REMOTE}*")
        self._ask(
            *("git", "fetch", "--progress", "--prune", "--no-recurse-submodules", "origin", *refs),
            cwd=clone,
            environment=configured(self.git.environment, HARDENED),
            progress=progress,
        )
        if not (kept := self._refs(clone, _REWRITTEN)):  # also by fetches that were killed
            return
        lost = self._not_reachable(clone, kept.values(), self._refs(clone, _REMOTE).values())
        found = (name for name, commit in kept.items() if commit not in lost)
        self._update_refs(clone, (f"delete {_REWRITTEN}{name}" for name in found))

    def _not_reachable(self, clone: Path, commits: Iterable[str], heads: Iterable[str]) -> set[str]:
        """The commits that lead to `commits`, but to none of `heads`."""
        asked = "".join(f"{commit}\n" for commit in (*set(commits), *(f"^{head}" for head in set(heads))))
        return set(self.git.run("git", "rev-list", "--stdin", cwd=clone, stdin=asked.encode()).decode().split())

    def _update_refs(self, clone: Path, commands: Iterable[str]) -> None:
        """Run commands of git-update-ref(1), if there are any."""
        if stdin := b"".join(os.fsencode(f"{command}\n") for command in commands):
            self.git.run("git", "update-ref", "--stdin", cwd=clone, stdin=stdin)

    def _refs(self, clone: Path, below: str) -> dict[str, str]:
        """Commits by the names of the refs below a prefix."""
        listed = self.git.run("git", "for-each-ref", "--format=%(objectname) %(refname)", below, cwd=clone)
        pairs = (line.split(" ", 1) for line in os.fsdecode(listed).splitlines())
        return {name.removeprefix(below): commit for commit, name in pairs if name != f"{_REMOTE}HEAD"}

    def _ask(
        self,
        *arguments: str,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        progress: Callable[[], object] = lambda: None,
    ) -> Completed:
        """Run a command that asks the server."""
        guard = Guard(self.network)
        asking = {**configured({**self.git.environment, **(environment or {})}, guard.git_settings), **_TRACE}
        try:
            return self.git.complete(*arguments, cwd=cwd, environment=asking, progress=progress)
        except CommandFailed as error:
            if isinstance(guard.failure, AddressRefused):
                raise Refused(f"its server leads elsewhere: {guard.failure}") from error
            if guard.failure is not None:
                raise Unavailable(str(guard.failure)) from error
            raise of_git(error, gated=self.gated) from error
