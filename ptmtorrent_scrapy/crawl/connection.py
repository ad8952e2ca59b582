"""Databases on the disk of the data tree."""

import errno
import os
import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EIO,
}


class Connection(sqlite3.Connection):
    """A connection that raises `OSError` for errors of the disk, as files do."""

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


class DatabaseFile(ABC):
    """A file with one transaction at a time, which `commit` makes durable; it starts again if it cannot be read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        try:
            self._open()
        except sqlite3.DatabaseError:
            self.clear()

    @abstractmethod
    def prepare(self) -> None:
        """Create missing tables, and begin a transaction. Raise `sqlite3.DatabaseError` for an unusable file."""

    def _open(self) -> None:
        # Only one thread uses it at a time: that of the crawl, or while it waits, the one that writes the records.
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, factory=Connection)
        self._database.executescript(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=FILE;"
            "PRAGMA cache_size=-8000;"
        )
        self.prepare()

    def clear(self) -> None:
        """Delete everything, and start again."""
        self.remove()
        self._open()

    def close(self) -> None:
        """Close the file; the next crawl reads what was committed last."""
        self._database.close()

    def remove(self) -> None:
        """Delete the file."""
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def commit(self) -> None:
        """Make everything so far durable."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    @property
    def is_intact(self) -> bool:
        """Return whether no write was lost: SQLite rolls back when the disk is full."""
        return self._database.in_transaction

    def _count(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])
