"""What a crawl has to remember of a hub until it ends: kept on disk, so that memory does not grow with the hub."""

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
    url TEXT, folder TEXT, told TEXT, gated INTEGER, bytes INTEGER, hub_id TEXT
);
CREATE TABLE repository (
    url TEXT PRIMARY KEY, folder TEXT, told TEXT, gated INTEGER, bytes INTEGER, hub_id TEXT, host TEXT, chosen INTEGER,
    former TEXT, found TEXT, problem TEXT, files BLOB
);
CREATE TABLE outcome (url TEXT PRIMARY KEY, path TEXT, line BLOB);
CREATE TABLE look (url TEXT PRIMARY KEY, hub_id TEXT, told TEXT, at INTEGER);
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, state BLOB);
"""
_OF_EACH_CRAWL = ("repository", "outcome WHERE path IS NOT NULL", "look")  # that no crawl takes over from another

# Models without a repository count for the share, and leave nothing to clone.
_CHOOSE = """
INSERT INTO repository (url, folder, told, gated, bytes, hub_id, host, chosen)
SELECT url, folder, max(told), max(gated), max(bytes), max(hub_id), host(url), 1 FROM (
    SELECT rowid AS position, * FROM model WHERE wanted ORDER BY rank DESC, rowid LIMIT ?
) WHERE url IS NOT NULL GROUP BY url ORDER BY max(rank) DESC, min(position)
"""
# Those that take the place of chosen ones that cannot be cloned: numbered after all others, to be taken next.
_CHOOSE_MORE = """
INSERT OR REPLACE INTO repository (rowid, url, folder, told, gated, bytes, hub_id, host, chosen)
SELECT (SELECT max(rowid) FROM repository) + row_number() OVER (ORDER BY max(rank) DESC, min(position)),
    url, folder, max(told), max(gated), max(bytes), max(hub_id), host(url), 1 FROM (
    SELECT rowid AS position, * FROM model WHERE wanted ORDER BY rank DESC, rowid LIMIT ? OFFSET ?
) WHERE url IS NOT NULL AND url NOT IN (SELECT url FROM repository WHERE chosen) GROUP BY url
"""
_REST = """
INSERT OR IGNORE INTO repository (url, folder, told, gated, bytes, hub_id, host, chosen)
SELECT url, folder, max(told), max(gated), max(bytes), max(hub_id), host(url), 0 FROM model
WHERE url IS NOT NULL GROUP BY url HAVING max(told) IS NULL ORDER BY min(rowid)
"""
# Clones that stand, and that no model names; and those chosen repositories of which none stands.
_GONE = """
CREATE TEMP TABLE gone AS
SELECT doubtful.url, path, hub_id, json_extract(CAST(line AS TEXT), '$.commit') AS told
FROM outcome AS doubtful LEFT JOIN look ON look.url = doubtful.url
WHERE path IS NOT NULL AND doubtful.url NOT IN (SELECT url FROM repository)
"""
_STILL_LISTED = "DELETE FROM gone WHERE url IN (SELECT url FROM model WHERE url IN (SELECT url FROM gone))"
_COME = """
CREATE TEMP TABLE come AS SELECT url, hub_id, told FROM repository
WHERE chosen AND url NOT IN (SELECT url FROM outcome WHERE path IS NOT NULL)
"""
_RENAMED = """
SELECT gone.url, gone.path, gone.hub_id, come.url FROM gone JOIN come ON come.hub_id = gone.hub_id
UNION ALL
SELECT gone.url, gone.path, gone.hub_id, come.url FROM gone JOIN come ON come.told = gone.told
WHERE gone.hub_id IS NULL OR come.hub_id IS NULL
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

    position: int  # in the order in which they are to be taken
    url: str
    folder: str
    commit: str | None  # as the hub tells it
    gated: bool
    bytes: int | None  # as the hub tells them
    hub_id: str | None
    host: str
    chosen: bool  # to be cloned; of the others only the commit is to be asked
    former: str | None  # where the clone stands under a former name, below the hub's folder


@dataclass(frozen=True, kw_only=True)
class UnlistedClone:
    """A clone whose repository the listing does not name any more."""

    url: str
    path: str  # below the hub's folder
    hub_id: str | None


class _Connection(sqlite3.Connection):
    """A connection that raises `OSError` for what is wrong with the disk, as every other file does."""

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
    """Return the trouble of the disk that SQLite met (https://www.sqlite.org/rescode.html), None if it is another."""
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
        # One thread at a time uses it: the crawl's, and while that waits, the one that writes the records.
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
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours

    def clear(self) -> None:
        """Begin anew."""
        self.close()
        self._unlink()
        self._open()

    def _unlink(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Leave it to the next crawl, as it was saved last."""
        self._database.close()

    def remove(self) -> None:
        """Forget everything."""
        self.close()
        self._unlink()

    def save(self, state: bytes, *, complete: bool) -> None:
        """Make everything so far durable, together with the checkpoint; `complete`: the whole hub is listed.

        Until then nothing else is durable: a resumed listing must find what the checkpoint's page began with.
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
        """Return whether everything that was noted is still there: SQLite rolls back when the disk is full."""
        return self._database.in_transaction

    def state(self) -> bytes | None:
        """Return the checkpoint that was saved last, by this crawl or an earlier one."""
        row = self._database.execute("SELECT state FROM checkpoint").fetchone()
        return row[0] if row else None

    def add(self, model: Model, *, wanted: bool, rank: int) -> bool:
        """Add a model, and whether it is one of those to choose from; return False if it was listed before."""
        row = (
            *(model.key, model.name if model.name != model.key else None, wanted, rank),
            *(model.repository, model.folder, model.commit, bool(model.gated), model.bytes, model.hub_id),
        )
        query = "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        is_new = self._database.execute(query, row).rowcount == 1
        self.added += is_new
        return is_new

    def wanted(self) -> int:
        """How many models there are to choose from."""
        return self._count("SELECT count(*) FROM model WHERE wanted")

    def unlisted(self, names: Iterable[str]) -> Iterator[str]:
        """Return those that are no key, name or clone URL of a model that is wanted."""
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
        """Choose the repositories of the first `count` wanted models by rank; of equals, those listed first.

        Returns how many repositories that is, and of how many more the commit must be asked, since no hub tells it.
        """
        self._database.execute(_CHOOSE, (count,))
        chosen = self._count("SELECT count(*) FROM repository")
        self._database.execute(_REST)
        return chosen, self._count("SELECT count(*) FROM repository") - chosen

    def choose_more(self, count: int, *, after: int) -> int:
        """Choose also the repositories of the next `count` wanted models after the first `after`; return how many."""
        return self._database.execute(_CHOOSE_MORE, (count, after)).rowcount

    def last_position(self) -> int:
        """Return the position of the repository that is taken last."""
        return self._count("SELECT coalesce(max(rowid), 0) FROM repository")

    def hosts(self, *, after: int = 0) -> list[str]:
        """Return the hosts of the repositories after a position."""
        query = "SELECT DISTINCT host FROM repository WHERE rowid > ?"
        return [host for (host,) in self._database.execute(query, (after,))]

    def repositories(self, host: str | None = None, *, after: int = 0) -> Iterator[ListedRepository]:
        """Yield what was chosen, by rank, then those to ask for their commit only; of all hosts or one."""
        last = after
        query = (
            "SELECT rowid, url, folder, told, gated, bytes, hub_id, host, chosen, former FROM repository "
            "WHERE rowid > ? AND (? IS NULL OR host = ?) ORDER BY rowid LIMIT 1"
        )
        while row := self._database.execute(query, (last, host, host)).fetchone():
            last, url, folder, told, gated, size, hub_id, of_host, chosen, former = row
            yield ListedRepository(
                position=last,
                url=url,
                folder=folder,
                commit=told,
                gated=bool(gated),
                bytes=size,
                hub_id=hub_id,
                host=of_host,
                chosen=bool(chosen),
                former=former,
            )

    def compare(self) -> None:
        """Find out which clones no model names any more, and which chosen repositories have none."""
        for table in ("gone", "come"):
            self._database.execute(f"DROP TABLE IF EXISTS {table}")
        self._database.execute(_GONE)
        if self._count("SELECT count(*) FROM gone"):
            self._database.execute(_STILL_LISTED)
        self._database.execute(_COME)
        for column in ("hub_id", "told"):
            self._database.execute(f"CREATE INDEX temp.come_{column} ON come({column})")

    def renamed(self) -> Iterator[tuple[UnlistedClone, str]]:
        """Clones of the former and URLs of the latter that have the same id at the hub, or without one the same commit.

        One may be there several times.
        """
        for url, path, hub_id, new in self._database.execute(_RENAMED).fetchall():
            yield UnlistedClone(url=url, path=path, hub_id=hub_id), new

    def vanished(self) -> list[UnlistedClone]:
        """Clones that no model names any more; none where the hub's ids tell all there is to know."""
        if not self._count("SELECT count(*) FROM come"):
            return []
        unknown = self._count("SELECT count(*) FROM come WHERE hub_id IS NULL")
        rows = self._database.execute("SELECT url, path, hub_id FROM gone WHERE hub_id IS NULL OR ?", (unknown,))
        return [UnlistedClone(url=url, path=path, hub_id=hub_id) for url, path, hub_id in rows]

    def newcomer(self, url: str) -> str | None:
        """A chosen repository that has no clone, and is at this URL, with `.git` or without."""
        plain = comparable(url)
        spellings = (plain, f"{plain}.git", f"{plain}/")
        row = self._database.execute("SELECT url FROM come WHERE url IN (?, ?, ?)", spellings).fetchone()
        return row[0] if row else None

    def set_former(self, url: str, former: UnlistedClone) -> None:
        """Note that a repository is one that had another name, under which it has no line any more."""
        self._database.execute("UPDATE repository SET former = ? WHERE url = ?", (former.path, url))

    def forget(self, path: str) -> None:
        """Let no repository have a line that says it stands there."""
        self._database.execute("DELETE FROM outcome WHERE path = ?", (path,))

    def set_found(self, url: str, *, commit: str | None, problem: str | None, files: bytes | None = None) -> None:
        """Note what a repository's server told."""
        query = "UPDATE repository SET found = ?, problem = ?, files = ? WHERE url = ?"
        self._database.execute(query, (commit, problem, files, url))

    def found(self, url: str) -> tuple[str | None, str | None, bytes | None]:
        """(commit, problem, files) as `set_found` was told."""
        query = "SELECT found, problem, files FROM repository WHERE url = ?"
        row = self._database.execute(query, (url,)).fetchone()
        return row or (None, None, None)

    def set_outcome(self, url: str, line: bytes, *, path: str | None) -> None:
        """Note what became of a repository, as a line of repositories.jsonl, and where it stands."""
        query = (
            "INSERT INTO outcome VALUES (?, ?, ?) "
            "ON CONFLICT (url) DO UPDATE SET path = excluded.path, line = excluded.line"
        )
        self._database.execute(query, (url, path, line))

    def clone_path(self, url: str) -> str | None:
        """Return where the clone of a repository lies, below the hub's folder; None if it has none."""
        row = self._database.execute("SELECT path FROM outcome WHERE url = ?", (url,)).fetchone()
        return row[0] if row else None

    def clones(self) -> Iterator[tuple[str, bytes]]:
        """Yield (path, line of repositories.jsonl) of every clone."""
        yield from self._database.execute("SELECT path, line FROM outcome WHERE path IS NOT NULL ORDER BY url")

    def outcome(self, url: str) -> bytes | None:
        """The line of a repository, of this crawl or an earlier one."""
        row = self._database.execute("SELECT line FROM outcome WHERE url = ?", (url,)).fetchone()
        return row[0] if row else None

    def outcomes(self) -> Iterator[bytes]:
        """All lines, in the order in which their repositories were first seen."""
        for (line,) in self._database.execute("SELECT line FROM outcome ORDER BY rowid"):
            yield line

    def set_look(self, url: str, *, hub_id: str | None, commit: str | None, at: int) -> None:
        """Note what a repository is to its hub, and what commit its server told at a time (seconds of the epoch)."""
        self._database.execute("INSERT OR REPLACE INTO look VALUES (?, ?, ?, ?)", (url, hub_id, commit, at))

    def look(self, url: str, after: float) -> str | None:
        """Return the commit that a repository's server gave after a time; a time to come is no time."""
        query = "SELECT told FROM look WHERE url = ? AND at > ? AND at <= ?"
        row = self._database.execute(query, (url, after, time.time())).fetchone()
        return row[0] if row else None

    def was_looked_at(self, url: str, after: float) -> bool:
        """Whether a repository's server was asked after a time, whatever it told."""
        query = "SELECT 1 FROM look WHERE url = ? AND at > ? AND at <= ?"
        return self._database.execute(query, (url, after, time.time())).fetchone() is not None

    def looks(self) -> Iterator[tuple[str, str | None, str | None, int]]:
        """(url, id at its hub, commit, time) of every look."""
        yield from self._database.execute("SELECT url, hub_id, told, at FROM look ORDER BY rowid")

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
