"""Connections to databases on the disk of the data tree."""

import errno
import os
import sqlite3
from typing import Any

_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EIO,
}


class Connection(sqlite3.Connection):
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
