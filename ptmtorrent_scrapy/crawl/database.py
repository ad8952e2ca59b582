"""Database of a crawl: models, repositories and results. It is on disk, so memory does not grow with the hub."""

import difflib
import errno
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ptmtorrent_scrapy.crawl.clone_lines import CloneLines
from ptmtorrent_scrapy.formats.repository_urls import comparable
from ptmtorrent_scrapy.items import Model

_TABLES = """
CREATE TABLE model (
    key TEXT PRIMARY KEY, name TEXT, wanted INTEGER, rank INTEGER,
    url TEXT, folder TEXT, hub_commit TEXT, gated INTEGER, bytes INTEGER, hub_id TEXT
);
CREATE TABLE repository (
    url TEXT PRIMARY KEY, folder TEXT, hub_commit TEXT, gated INTEGER, bytes INTEGER, hub_id TEXT, host TEXT,
    chosen INTEGER, previous_path TEXT, found TEXT, problem TEXT, files BLOB
);
CREATE TABLE result (url TEXT PRIMARY KEY, path TEXT, line BLOB);
CREATE TABLE commit_check (url TEXT PRIMARY KEY, hub_id TEXT, server_commit TEXT, at INTEGER);
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, state BLOB);
"""
_OF_EACH_CRAWL = (
    "repository",
    "result WHERE path IS NOT NULL",
    "commit_check",
)  # never taken over from another crawl

# Models without a repository count for the share, though there is nothing to clone.
_CHOOSE = """
INSERT INTO repository (url, folder, hub_commit, gated, bytes, hub_id, host, chosen)
SELECT url, folder, max(hub_commit), max(gated), max(bytes), max(hub_id), host(url), 1 FROM (
    SELECT rowid AS position, * FROM model WHERE wanted ORDER BY rank DESC, rowid LIMIT ?
) WHERE url IS NOT NULL GROUP BY url ORDER BY max(rank) DESC, min(position)
"""
# Replacements of chosen repositories that cannot be cloned: numbered after all others, so they are cloned next.
_CHOOSE_MORE = """
INSERT OR REPLACE INTO repository (rowid, url, folder, hub_commit, gated, bytes, hub_id, host, chosen)
SELECT (SELECT max(rowid) FROM repository) + row_number() OVER (ORDER BY max(rank) DESC, min(position)),
    url, folder, max(hub_commit), max(gated), max(bytes), max(hub_id), host(url), 1 FROM (
    SELECT rowid AS position, * FROM model WHERE wanted ORDER BY rank DESC, rowid LIMIT ? OFFSET ?
) WHERE url IS NOT NULL AND url NOT IN (SELECT url FROM repository WHERE chosen) GROUP BY url
"""
_REST = """
INSERT OR IGNORE INTO repository (url, folder, hub_commit, gated, bytes, hub_id, host, chosen)
SELECT url, folder, max(hub_commit), max(gated), max(bytes), max(hub_id), host(url), 0 FROM model
WHERE url IS NOT NULL GROUP BY url HAVING max(hub_commit) IS NULL ORDER BY min(rowid)
"""
# Clones whose repository no model names, and chosen repositories without a clone.
_UNLISTED = """
CREATE TEMP TABLE unlisted AS
SELECT doubtful.url, path, hub_id, json_extract(CAST(line AS TEXT), '$.commit') AS hub_commit
FROM result AS doubtful LEFT JOIN commit_check ON commit_check.url = doubtful.url
WHERE path IS NOT NULL AND doubtful.url NOT IN (SELECT url FROM repository)
"""
_STILL_LISTED = "DELETE FROM unlisted WHERE url IN (SELECT url FROM model WHERE url IN (SELECT url FROM unlisted))"
_UNCLONED = """
CREATE TEMP TABLE uncloned AS SELECT url, hub_id, hub_commit FROM repository
WHERE chosen AND url NOT IN (SELECT url FROM result WHERE path IS NOT NULL)
"""
_RENAMED = """
SELECT unlisted.url, unlisted.path, unlisted.hub_id, uncloned.url
FROM unlisted JOIN uncloned ON uncloned.hub_id = unlisted.hub_id
UNION ALL
SELECT unlisted.url, unlisted.path, unlisted.hub_id, uncloned.url
FROM unlisted JOIN uncloned ON uncloned.hub_commit = unlisted.hub_commit
WHERE unlisted.hub_id IS NULL OR uncloned.hub_id IS NULL
"""
_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EIO,
}


@dataclass(frozen=True, kw_only=True)
class ListedRepository:
    """A repository that models of the listing name."""

    position: int  # rank in the order of cloning
    url: str
    folder: str
    commit: str | None  # from the listing
    gated: bool
    bytes: int | None  # from the listing
    hub_id: str | None
    host: str
    chosen: bool  # to be cloned; of the others only the commit is fetched
    previous_path: str | None  # path of the clone under a previous name, below the hub's folder


@dataclass(frozen=True, kw_only=True)
class UnlistedClone:
    """A clone whose repository is no longer in the listing."""

    url: str
    path: str  # below the hub's folder
    hub_id: str | None


class _Connection(sqlite3.Connection):
    """A connection that raises `OSError` for errors of the disk, like other files."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        try:
            return super().execute(*arguments)
        except sqlite3.OperationalError as error:
            raise _of_disk(error) or error from None

    def executescript(self, script: str) -> sqlite3.Cursor:
        try:
            return super().executescript(script)
        except sqlite3.OperationalError as error:
            raise _of_disk(error) or error from None


def _of_disk(error: sqlite3.Error) -> OSError | None:
    """Return the disk error behind an error of SQLite (https://www.sqlite.org/rescode.html), None for others."""
    number = _DISK.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return None if number is None else OSError(number, os.strerror(number))


class CrawlDatabase:
    """The models that were listed, by key, and their repositories, by clone URL."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._is_complete = False
        self.added = 0  # models that this crawl has added
        try:
            self._open()
            self.state()
        except sqlite3.DatabaseError:
            self.clear()

    def _open(self) -> None:
        # Only one thread uses it at a time: that of the crawl, or while it waits, the one that writes the records.
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, factory=_Connection)
        self._database.create_function("host", 1, lambda url: urlsplit(url).netloc, deterministic=True)
        self._database.executescript(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=FILE;"
            "PRAGMA cache_size=-8000;"
        )
        if not self._count("SELECT count(*) FROM sqlite_schema"):
            self._database.executescript(_TABLES)
        self._database.execute("BEGIN")
        for table in _OF_EACH_CRAWL:
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def clear(self) -> None:
        """Delete everything, and start again."""
        self.close()
        self._unlink()
        self._open()

    def _unlink(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; the next crawl finds it as it was saved last."""
        self._database.close()

    def remove(self) -> None:
        """Delete the file."""
        self.close()
        self._unlink()

    def save(self, state: bytes, *, complete: bool) -> None:
        """Make everything so far durable, with the checkpoint; `complete` means that the listing has ended.

        Nothing becomes durable between checkpoints: a resumed listing must find the state at the checkpoint's page.
        """
        self._database.execute("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", (state,))
        self._is_complete = complete
        self._commit()

    def save_results(self) -> None:
        """Make the results of clones durable, unless the hub is still being listed."""
        if self._is_complete:
            self._commit()

    def _commit(self) -> None:
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    @property
    def is_intact(self) -> bool:
        """Return whether no write was lost: SQLite rolls back when the disk is full."""
        return self._database.in_transaction

    def state(self) -> bytes | None:
        """Return the checkpoint that this crawl or an earlier one saved last."""
        row = self._database.execute("SELECT state FROM checkpoint").fetchone()
        return row[0] if row else None

    def add(self, model: Model, *, wanted: bool, rank: int) -> bool:
        """Add a model, and whether it can be chosen; return False if it was listed before."""
        row = (
            *(model.key, model.name if model.name != model.key else None, wanted, rank),
            *(model.repository, model.folder, model.commit, bool(model.gated), model.bytes, model.hub_id),
        )
        query = "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        is_new = self._database.execute(query, row).rowcount == 1
        self.added += is_new
        return is_new

    def wanted(self) -> int:
        """Return the number of models that can be chosen."""
        return self._count("SELECT count(*) FROM model WHERE wanted")

    def unlisted(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the names that are not the key, name or clone URL of a wanted model."""
        listed = self._database.execute("SELECT key, name, url FROM model WHERE wanted")
        missing = set(names)
        for keys in listed:
            missing.difference_update(keys)
        yield from sorted(missing)

    def nearest(self, name: str) -> str | None:
        """Return the most similar name among the models of the same owner; None if none is similar."""
        owner, slash, _ = name.partition("/")
        query = "SELECT key FROM model WHERE key >= ? AND key < ? LIMIT 10000"
        rows = self._database.execute(query, (f"{owner}/", f"{owner}0")) if slash else ()
        near = difflib.get_close_matches(name, [key for (key,) in rows], n=1)
        return near[0] if near else None

    def choose(self, count: int) -> tuple[int, int]:
        """Choose the repositories of the first `count` wanted models by rank; equal ranks keep the listing's order.

        Returns the number of chosen repositories, and the number of others whose commit the listing does not have.
        """
        self._database.execute(_CHOOSE, (count,))
        chosen = self._count("SELECT count(*) FROM repository")
        self._database.execute(_REST)
        return chosen, self._count("SELECT count(*) FROM repository") - chosen

    def choose_more(self, count: int, *, after: int) -> int:
        """Choose also the repositories of the next `count` wanted models after the first `after`; return how many."""
        return self._database.execute(_CHOOSE_MORE, (count, after)).rowcount

    def last_position(self) -> int:
        """Return the position of the last repository."""
        return self._count("SELECT coalesce(max(rowid), 0) FROM repository")

    def hosts(self, *, after: int = 0) -> list[str]:
        """Return the hosts of the repositories after a position."""
        query = "SELECT DISTINCT host FROM repository WHERE rowid > ?"
        return [host for (host,) in self._database.execute(query, (after,))]

    def repositories(self, host: str | None = None, *, after: int = 0) -> Iterator[ListedRepository]:
        """Yield the chosen repositories by rank, then those of which only the commit is fetched; of one host or all."""
        last = after
        query = (
            "SELECT rowid, url, folder, hub_commit, gated, bytes, hub_id, host, chosen, previous_path FROM repository "
            "WHERE rowid > ? AND (? IS NULL OR host = ?) ORDER BY rowid LIMIT 1"
        )
        while row := self._database.execute(query, (last, host, host)).fetchone():
            last, url, folder, hub_commit, gated, size, hub_id, of_host, chosen, previous_path = row
            yield ListedRepository(
                position=last,
                url=url,
                folder=folder,
                commit=hub_commit,
                gated=bool(gated),
                bytes=size,
                hub_id=hub_id,
                host=of_host,
                chosen=bool(chosen),
                previous_path=previous_path,
            )

    def compare(self) -> None:
        """Find the clones that no model names, and the chosen repositories without a clone."""
        for table in ("unlisted", "uncloned"):
            self._database.execute(f"DROP TABLE IF EXISTS {table}")
        self._database.execute(_UNLISTED)
        if self._count("SELECT count(*) FROM unlisted"):
            self._database.execute(_STILL_LISTED)
        self._database.execute(_UNCLONED)
        for column in ("hub_id", "hub_commit"):
            self._database.execute(f"CREATE INDEX temp.uncloned_{column} ON uncloned({column})")

    def renamed(self) -> Iterator[tuple[UnlistedClone, str]]:
        """Yield pairs of an unlisted clone and the URL of a repository without a clone that may be the same.

        They have the same id at the hub, or the same commit if one has no id. A clone may be in several pairs.
        """
        for url, path, hub_id, new in self._database.execute(_RENAMED).fetchall():
            yield UnlistedClone(url=url, path=path, hub_id=hub_id), new

    def vanished(self) -> list[UnlistedClone]:
        """Return the clones that no model names; none if the hub's ids identify all repositories."""
        if not self._count("SELECT count(*) FROM uncloned"):
            return []
        unknown = self._count("SELECT count(*) FROM uncloned WHERE hub_id IS NULL")
        rows = self._database.execute("SELECT url, path, hub_id FROM unlisted WHERE hub_id IS NULL OR ?", (unknown,))
        return [UnlistedClone(url=url, path=path, hub_id=hub_id) for url, path, hub_id in rows]

    def newcomer(self, url: str) -> str | None:
        """Return the URL of a chosen repository without a clone that is at this URL, with or without `.git`."""
        plain = comparable(url)
        spellings = (plain, f"{plain}.git", f"{plain}/")
        row = self._database.execute("SELECT url FROM uncloned WHERE url IN (?, ?, ?)", spellings).fetchone()
        return row[0] if row else None

    def set_previous_path(self, url: str, clone: UnlistedClone) -> None:
        """Note that a repository was renamed, and where its clone is."""
        self._database.execute("UPDATE repository SET previous_path = ? WHERE url = ?", (clone.path, url))

    def forget(self, path: str) -> None:
        """Delete the lines of clones at a path."""
        self._database.execute("DELETE FROM result WHERE path = ?", (path,))

    def set_found(self, url: str, *, commit: str | None, problem: str | None, files: bytes | None = None) -> None:
        """Note the answer of a repository's server."""
        query = "UPDATE repository SET found = ?, problem = ?, files = ? WHERE url = ?"
        self._database.execute(query, (commit, problem, files, url))

    def found(self, url: str) -> tuple[str | None, str | None, bytes | None]:
        """Return (commit, problem, files) from `set_found`."""
        query = "SELECT found, problem, files FROM repository WHERE url = ?"
        row = self._database.execute(query, (url,)).fetchone()
        return row or (None, None, None)

    def set_result(self, url: str, line: bytes, *, path: str | None) -> None:
        """Note the result of a repository, as a line of repositories.jsonl, and the path of its clone."""
        query = (
            "INSERT INTO result VALUES (?, ?, ?) "
            "ON CONFLICT (url) DO UPDATE SET path = excluded.path, line = excluded.line"
        )
        self._database.execute(query, (url, path, line))

    def clone_path(self, url: str) -> str | None:
        """Return the path of a repository's clone below the hub's folder; None if it has none."""
        row = self._database.execute("SELECT path FROM result WHERE url = ?", (url,)).fetchone()
        return row[0] if row else None

    def clones(self) -> Iterator[tuple[str, bytes]]:
        """Yield (path, line of repositories.jsonl) of every clone."""
        yield from self._database.execute("SELECT path, line FROM result WHERE path IS NOT NULL ORDER BY url")

    def result(self, url: str) -> bytes | None:
        """Return the line of a repository, of this crawl or an earlier one."""
        row = self._database.execute("SELECT line FROM result WHERE url = ?", (url,)).fetchone()
        return row[0] if row else None

    def results(self) -> Iterator[bytes]:
        """Yield all lines by URL: the order in which clones were completed does not show."""
        for (line,) in self._database.execute("SELECT line FROM result ORDER BY url"):
            yield line

    def set_commit_check(self, url: str, *, hub_id: str | None, commit: str | None, at: int) -> None:
        """Note a repository's id at its hub, and the commit at its server at a time (seconds of the epoch)."""
        self._database.execute("INSERT OR REPLACE INTO commit_check VALUES (?, ?, ?, ?)", (url, hub_id, commit, at))

    def checked_commit(self, url: str, after: float) -> str | None:
        """Return the commit that a repository's server gave after a time; checks in the future do not count."""
        query = "SELECT server_commit FROM commit_check WHERE url = ? AND at > ? AND at <= ?"
        row = self._database.execute(query, (url, after, time.time())).fetchone()
        return row[0] if row else None

    def was_checked(self, url: str, after: float) -> bool:
        """Return whether a repository's server was asked after a time, whatever it answered."""
        query = "SELECT 1 FROM commit_check WHERE url = ? AND at > ? AND at <= ?"
        return self._database.execute(query, (url, after, time.time())).fetchone() is not None

    def commit_checks(self) -> Iterator[tuple[str, str | None, str | None, int]]:
        """Yield (url, id at its hub, commit, time) of every commit check."""
        yield from self._database.execute("SELECT url, hub_id, server_commit, at FROM commit_check ORDER BY rowid")

    @property
    def lines(self) -> CloneLines:
        """Return the lines of repositories.jsonl, by the folder of their clone."""
        return CloneLines(self._database)

    def other_in_folder(self, url: str, folder: str) -> str | None:
        """Return the URL of another repository whose clone is in a folder."""
        other = self.lines.url_at(f"repos/{folder}")
        return None if other == url else other

    def models_of(self, url: str) -> int:
        """Return how many models have this repository."""
        return int(self._database.execute("SELECT count(*) FROM model WHERE url = ?", (url,)).fetchone()[0])

    def _count(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])
