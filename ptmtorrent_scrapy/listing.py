"""What a crawl has to remember of a hub until it ends: kept on disk, so that memory does not grow with the hub."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TABLES = """
CREATE TABLE model (
    key TEXT PRIMARY KEY, popularity INTEGER, url TEXT, folder TEXT, told TEXT, gated INTEGER
);
CREATE TABLE repository (
    url TEXT PRIMARY KEY, folder TEXT, told TEXT, gated INTEGER, chosen INTEGER, found TEXT, problem TEXT, files BLOB
);
CREATE TABLE outcome (url TEXT PRIMARY KEY, line BLOB);
"""

# Models without a repository count for the share, and leave nothing to clone.
_CHOOSE = """
INSERT INTO repository (url, folder, told, gated, chosen)
SELECT url, folder, max(told), max(gated), 1 FROM (
    SELECT rowid AS position, * FROM model ORDER BY popularity DESC, rowid LIMIT ?
) WHERE url IS NOT NULL GROUP BY url ORDER BY max(popularity) DESC, min(position)
"""
_REST = """
INSERT OR IGNORE INTO repository (url, folder, told, gated, chosen)
SELECT url, folder, max(told), max(gated), 0 FROM model
WHERE url IS NOT NULL GROUP BY url HAVING max(told) IS NULL ORDER BY min(rowid)
"""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A repository that models of the listing name."""

    url: str
    folder: str
    commit: str | None  # as the hub tells it
    gated: bool
    chosen: bool  # to be cloned; of the others only the commit is to be asked


class Listing:
    """The models that were listed, by key, and their repositories, by clone URL."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # Made anew by each crawl: nothing in it is worth a journal.
        # One thread at a time uses it: the crawl's, and while that waits, the one that writes the records.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=FILE;"
            f"PRAGMA cache_size=-8000; {_TABLES} BEGIN;"
        )

    def close(self) -> None:
        """Forget everything."""
        self._database.close()
        self._path.unlink(missing_ok=True)

    def add(
        self, key: str, *, popularity: int, url: str | None, folder: str | None, commit: str | None, gated: bool
    ) -> bool:
        """Note a model; False if it was listed before."""
        row = (key, popularity, url, folder, commit, gated)
        return self._database.execute("INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?, ?, ?)", row).rowcount == 1

    def choose(self, count: int) -> tuple[int, int]:
        """Choose the repositories of the `count` most popular models to be cloned; of equals, those listed first.

        Returns how many repositories that is, and of how many more the commit must be asked, since no hub tells it.
        """
        self._database.execute(_CHOOSE, (count,))
        chosen = self._database.execute("SELECT count(*) FROM repository").fetchone()[0]
        self._database.execute(_REST)
        return chosen, self._database.execute("SELECT count(*) FROM repository").fetchone()[0] - chosen

    def repositories(self) -> Iterator[Listed]:
        """What was chosen, most popular first, then those of which only the commit is to be asked."""
        last = 0
        query = "SELECT rowid, url, folder, told, gated, chosen FROM repository WHERE rowid > ? ORDER BY rowid LIMIT 1"
        while row := self._database.execute(query, (last,)).fetchone():
            last, url, folder, told, gated, chosen = row
            yield Listed(url=url, folder=folder, commit=told, gated=bool(gated), chosen=bool(chosen))

    def set_found(self, url: str, *, commit: str | None, problem: str | None, files: bytes | None = None) -> None:
        """Note what a repository's server told."""
        query = "UPDATE repository SET found = ?, problem = ?, files = ? WHERE url = ?"
        self._database.execute(query, (commit, problem, files, url))

    def found(self, url: str) -> tuple[str | None, str | None, bytes | None]:
        """(commit, problem, files) as `set_found` was told."""
        query = "SELECT found, problem, files FROM repository WHERE url = ?"
        row = self._database.execute(query, (url,)).fetchone()
        return row or (None, None, None)

    def set_outcome(self, url: str, line: bytes) -> None:
        """Note what became of a repository, as a line of repositories.jsonl."""
        query = "INSERT INTO outcome VALUES (?, ?) ON CONFLICT (url) DO UPDATE SET line = excluded.line"
        self._database.execute(query, (url, line))

    def outcome(self, url: str) -> bytes | None:
        """The line of a repository, of this crawl or an earlier one."""
        row = self._database.execute("SELECT line FROM outcome WHERE url = ?", (url,)).fetchone()
        return row[0] if row else None

    def outcomes(self) -> Iterator[bytes]:
        """All lines, in the order in which their repositories were first seen."""
        for (line,) in self._database.execute("SELECT line FROM outcome ORDER BY rowid"):
            yield line
