"""The commits that servers returned, in the database of a crawl."""

import sqlite3
import time
from collections.abc import Iterator


class CommitCheckTable:
    """The last answer of each repository's server."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def set(self, url: str, *, hub_id: str | None, commit: str | None, at: int) -> None:
        """Store a repository's id at its hub, and the commit at its server at a time (seconds of the epoch)."""
        self._database.execute("INSERT OR REPLACE INTO commit_check VALUES (?, ?, ?, ?)", (url, hub_id, commit, at))

    def commit(self, url: str, after: float) -> str | None:
        """Return the commit that a repository's server returned after a time; checks in the future do not count."""
        query = "SELECT server_commit FROM commit_check WHERE url = ? AND at > ? AND at <= ?"
        row = self._database.execute(query, (url, after, time.time())).fetchone()
        return row[0] if row else None

    def was_asked(self, url: str, after: float) -> bool:
        """Return whether a repository's server was asked after a time, whatever it answered."""
        query = "SELECT 1 FROM commit_check WHERE url = ? AND at > ? AND at <= ?"
        return self._database.execute(query, (url, after, time.time())).fetchone() is not None

    def all(self) -> Iterator[tuple[str, str | None, str | None, int]]:
        """Yield (url, id at its hub, commit, time) of every answer."""
        yield from self._database.execute("SELECT url, hub_id, server_commit, at FROM commit_check ORDER BY rowid")
