"""Commits and references of clones, by one pass over the history of each."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ptmtorrent_scrapy.exports.sqlite.names import Names
from ptmtorrent_scrapy.exports.sqlite.rows import Rows
from ptmtorrent_scrapy.exports.values import names
from ptmtorrent_scrapy.git.clone_refs import clone_refs
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.storage.tree import DataTree, UnusableName

logger = logging.getLogger(__name__)

SCOPE = "export"
_TIMEOUT = 600  # seconds without output of git
_LONGEST = 1 << 20  # bytes of a message
_LONGEST_PATH = 300  # characters of a path that are shown
_DESCRIBED = 10  # clones without a readable history
# %H hash, %cI date of the commit, %an name of its author, %s title, %b the rest of the message
_LOG = ("git", "log", "-z", "--no-show-signature", "--no-color", "--format=%H%n%cI%n%an%n%s%n%b", "HEAD", "--")

# A commit of PeaTMOSS belongs to one model, so a repository with many models, such as a whole hub, is not exported.
_CLONES = """
SELECT r.hub, r.path, min(m.model_id) FROM ptm_repository r JOIN ptm_model m ON m.repository_id = r.id
WHERE r.path IS NOT NULL GROUP BY r.id HAVING count(*) = 1
"""


class Commit(NamedTuple):
    """A commit with the fields of PeaTMOSS."""

    sha: str
    date: str
    author: str
    title: str
    message: str


class Commits:
    """Writes the rows of commits, their authors, branches and tags."""

    def __init__(self, rows: Rows, authors: Names, trees: Mapping[str, DataTree]) -> None:
        self._rows = rows
        self._authors = authors
        self._trees = trees
        self._git = Command(scope=SCOPE, environment=environment(timeout=_TIMEOUT), timeout=_TIMEOUT)
        self._commits = self._refs = self._infos = 0
        self.unreadable = 0  # clones without a readable history
        self.described: list[str] = []  # the first of them, and why

    def add_all(self, advance: Callable[[int, int], object]) -> None:
        """Add the commits of every clone of one model; `advance` gets (clones done, of how many)."""
        clones = self._clones(self._rows.connection)
        for number, (hub, path, model) in enumerate(clones, 1):
            self._add(hub, path, model)
            advance(number, len(clones))

    def _clones(self, connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
        return connection.execute(_CLONES).fetchall()

    def _add(self, hub: str, path: str, model: int) -> None:
        try:
            clone = self._trees[hub].repository(path.removeprefix("repos/"))
            if (clone / ".git").is_dir():
                log = Log(lambda commit: self._add_commit(model, commit))
                self._git.run(*_LOG, cwd=clone, output=log.take)
                log.end()
                self._add_refs(model, clone)
        except (UnusableName, GitError, OSError) as error:
            self.unreadable += 1
            if self.unreadable <= _DESCRIBED:
                self.described.append(f"{hub}/{path[:_LONGEST_PATH]}: {error}")

    def _add_commit(self, model: int, commit: Commit) -> None:
        self._commits += 1
        row = (self._commits, commit.sha, commit.date, commit.title, commit.message, model)
        self._rows.add("hf_commit", *row)
        for author in self._authors.ids(names([commit.author])):
            self._rows.add("hf_commit_to_author", self._commits, author)

    def _add_refs(self, model: int, clone: Path) -> None:
        self._refs += 1
        self._rows.add("hf_git_ref", self._refs, model)
        for ref in clone_refs(clone, self._git):
            self._infos += 1
            name, full_name = (each.encode("utf-8", "replace").decode() for each in (ref.name, ref.full_name))
            self._rows.add("hf_git_ref_info", self._infos, name, full_name, ref.target)
            self._rows.add(f"hf_git_ref_to_{ref.kind}", self._refs, self._infos)


class Log:
    """Parses the output of `git log -z`, piece by piece."""

    def __init__(self, found: Callable[[Commit], object]) -> None:
        self._found = found
        self._rest = bytearray()

    def take(self, output: bytes) -> None:
        """Parse a piece of the output."""
        *whole, rest = output.split(b"\0")
        for part in whole:
            self._rest += part
            self._commit()
        self._rest += rest[: max(0, _LONGEST - len(self._rest))]

    def end(self) -> None:
        """Parse the last commit, which nothing follows."""
        if self._rest:
            self._commit()

    def _commit(self) -> None:
        fields = self._rest[:_LONGEST].decode("utf-8", "replace").split("\n", 4)
        self._rest.clear()
        if len(fields) >= 4:
            sha, date, author, title, *rest = fields
            self._found(Commit(sha, date, author, title, "".join(rest).strip()))
