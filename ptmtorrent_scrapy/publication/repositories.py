"""The repositories of a tree that go into the package, with their licences and access."""

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS repository (
    hub TEXT, folder TEXT, name TEXT, url TEXT, "commit" TEXT, branch TEXT, status TEXT,
    git_bytes INTEGER, lfs_bytes INTEGER, access TEXT DEFAULT '', excluded TEXT DEFAULT '', PRIMARY KEY (hub, folder)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS repository_url ON repository (hub, url);
CREATE INDEX IF NOT EXISTS repository_name ON repository (hub, name);
CREATE TABLE IF NOT EXISTS unlicensed (hub TEXT, folder TEXT, PRIMARY KEY (hub, folder)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS license (
    hub TEXT, folder TEXT, name TEXT, spdx TEXT, url TEXT, PRIMARY KEY (hub, folder, name, spdx)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS private (hub TEXT, name TEXT, PRIMARY KEY (hub, name)) WITHOUT ROWID;
"""
_COLUMNS = 'hub, folder, url, "commit", branch, status, git_bytes, lfs_bytes, access, excluded'


@dataclass(frozen=True, slots=True)
class PackagedRepository:
    """A repository with a clone in the tree."""

    hub: str
    folder: str  # AUTHOR/MODEL below repos/
    url: str
    commit: str
    branch: str | None
    status: str
    git_bytes: int
    lfs_bytes: int
    access: str  # "gated", "private" or nothing
    excluded: str  # why it is not packaged; empty if it is


@dataclass(frozen=True, slots=True)
class License:
    """A licence of the models of a repository."""

    name: str  # as the hub says
    spdx: str  # SPDX identifiers, separated by spaces
    url: str

    @property
    def names(self) -> list[str]:
        """Return the names in lower case; a record may have several in one text."""
        return [name.strip() for name in self.name.lower().split(",")]


class UnknownRepository(Exception):
    """A repository that the user names and the tree does not have; the message says which."""


class Repositories:
    """The repositories with a clone, in a database, so that memory does not grow with the tree."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        for table in ("repository", "license", "private", "unlicensed"):
            database.execute(f"DROP TABLE IF EXISTS {table}")
        database.executescript(_SCHEMA)

    def choose(self, *, named: Collection[str], licenses: Collection[str] | None) -> None:
        """Decide which repositories are not packaged.

        `named` are the gated and private ones to package; `licenses`, in lower case, those that may be redistributed.
        Raise `UnknownRepository`.
        """
        for name in named:
            self._allow(name)
        self.database.execute("UPDATE repository SET excluded = access WHERE access != '' AND excluded != 'named'")
        self.database.execute("UPDATE repository SET excluded = '' WHERE excluded = 'named'")
        if licenses is not None:
            for each in self.chosen():
                if not self._is_licensed(each, licenses):
                    self.database.execute("INSERT INTO unlicensed VALUES (?, ?)", (each.hub, each.folder))
            self.database.execute(
                "UPDATE repository SET excluded = 'license' WHERE (hub, folder) IN (SELECT hub, folder FROM unlicensed)"
            )
        self.database.commit()

    def all(self, hub: str | None = None) -> Iterator[PackagedRepository]:
        """Yield all repositories with a clone, by hub and folder."""
        yield from self._select("WHERE hub = ifnull(?, hub)", hub)

    def chosen(self, hub: str | None = None) -> Iterator[PackagedRepository]:
        """Yield the repositories to package, by hub and folder."""
        yield from self._select("WHERE hub = ifnull(?, hub) AND excluded = ''", hub)

    def is_chosen(self, hub: str, folder: str) -> bool:
        """Return whether the repository of a folder is packaged."""
        found = self._one("SELECT excluded = '' FROM repository WHERE hub = ? AND folder = ?", hub, folder)
        return bool(found and found[0])

    def folder_of(self, hub: str, url: str) -> str | None:
        """Return the folder of a repository's clone by its URL."""
        found = self._one("SELECT folder FROM repository WHERE hub = ? AND url = ?", hub, url)
        return found[0] if found else None

    def counts(self) -> list[tuple[str, str, int, int]]:
        """Return (hub, reason or nothing, repositories, bytes of git and large files)."""
        return self.database.execute(
            "SELECT hub, excluded, count(*), sum(git_bytes + lfs_bytes) FROM repository GROUP BY hub, excluded"
        ).fetchall()

    def chosen_bytes(self) -> list[tuple[str, int, int]]:
        """Return (hub, bytes of git, bytes of large files) of the repositories to package."""
        return self.database.execute(
            "SELECT hub, sum(git_bytes), sum(lfs_bytes) FROM repository WHERE excluded = '' GROUP BY hub"
        ).fetchall()

    def licenses(self, hub: str, folder: str) -> list[License]:
        """Return the licences of the models of a repository."""
        rows = self.database.execute(
            "SELECT name, spdx, url FROM license WHERE hub = ? AND folder = ? ORDER BY name, spdx", (hub, folder)
        )
        return [License(*row) for row in rows]

    def is_private(self, hub: str, *names: object) -> bool:
        """Return whether any of these names is that of a private model that is not packaged."""
        return any(self._one("SELECT 1 FROM private WHERE hub = ? AND name = ?", hub, name) for name in names)

    def private(self, hub: str) -> int:
        """Return how many private models of a hub are not packaged."""
        found = self._one("SELECT count(*) FROM private WHERE hub = ?", hub)
        return found[0] if found else 0

    def named(self, hub: str, name: str) -> list[str]:
        """Return the folders of a model by its name; without a namespace, AUTHOR is the hub's host."""
        if "/" in name:
            found = self._one("SELECT folder FROM repository WHERE hub = ? AND folder = ?", hub, name)
            return [found[0]] if found else []
        rows = self.database.execute("SELECT folder FROM repository WHERE hub = ? AND name = ?", (hub, name))
        return [row[0] for row in rows if "." in row[0].partition("/")[0]]

    def _allow(self, given: str) -> None:
        """Note that the user names a repository, as OWNER/NAME, HUB/OWNER/NAME or a name without a namespace."""
        hubs = [row[0] for row in self.database.execute("SELECT DISTINCT hub FROM repository").fetchall()]
        named = [(hub, given.removeprefix(f"{hub}/")) for hub in hubs]
        found = [(hub, folder) for hub, name in named for folder in self.named(hub, name)]
        if not found:
            raise UnknownRepository(f"{given!r} is not a repository with a clone in the tree; name it as OWNER/NAME")
        self.database.executemany("UPDATE repository SET excluded = 'named' WHERE hub = ? AND folder = ?", found)
        self.database.executemany("DELETE FROM private WHERE hub = ? AND name = ?", named)

    def _is_licensed(self, repository: PackagedRepository, licenses: Collection[str]) -> bool:
        found = self.licenses(repository.hub, repository.folder)
        return bool(found) and all(
            set(each.names) <= set(licenses) or (each.spdx and set(each.spdx.lower().split()) <= set(licenses))
            for each in found
        )

    def _select(self, where: str, *values: object) -> Iterator[PackagedRepository]:
        query = f"SELECT {_COLUMNS} FROM repository {where} ORDER BY hub, folder"  # noqa: S608 - our own names
        for row in self.database.cursor().execute(query, values):
            yield PackagedRepository(*row)

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self.database.execute(query, values).fetchone()
        return row
