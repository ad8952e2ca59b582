"""The folder in which a package is made: kept after a kill, so that the same command continues."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.publication.bag import BagError, CannotStart
from ptmtorrent_scrapy.publication.files import Entry
from ptmtorrent_scrapy.storage import fsync
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_REMEMBERED = 1 << 20  # bytes; the SHA-256 of larger files is kept for an interrupted command
_SCHEMA = """
CREATE TABLE IF NOT EXISTS digest (
    path TEXT PRIMARY KEY, size INTEGER, modified INTEGER, inode INTEGER, sha256 TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


class Workspace:
    """Work in progress of one package."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output.with_name(f".{output.name}~package")
        self.bag = self.folder / "bag"
        self.scratch = self.folder / "scratch"
        self.database: sqlite3.Connection

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Lock the workspace for this process; the work of a killed one stays. Raise `BagError`, `OSError`."""
        if os.path.lexists(self.output):
            raise CannotStart(f"{self.output} exists; remove it, or name another folder with -o")
        self.output.parent.mkdir(parents=True, exist_ok=True)
        try:
            with lock(self.output.with_name(f".{self.output.name}~lock"), note=f"process {os.getpid()}"):
                self.bag.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(self.scratch, ignore_errors=True)
                self.scratch.mkdir()
                self.database = _database(self.folder / "work.sqlite")
                try:
                    yield
                finally:
                    self.database.close()
                    self._tidy()
        except LockHeld as error:
            raise CannotStart(f"{self.output} is being written by {error or 'another process'}; wait for it") from None

    def _tidy(self) -> None:
        """Remove the workspace if it has nothing that a later run can use."""
        if self.bag.is_dir() and not any(self.bag.iterdir()):
            shutil.rmtree(self.folder)

    def begin(self, fingerprint: str) -> None:
        """Remove work with other options, or from another state of the tree."""
        row = self.database.execute("SELECT value FROM about WHERE name = 'fingerprint'").fetchone()
        if row != (fingerprint,):
            shutil.rmtree(self.bag)
            self.bag.mkdir()
            self.database.execute("INSERT OR REPLACE INTO about VALUES ('fingerprint', ?)", (fingerprint,))
            self.database.commit()

    def finish(self) -> None:
        """Sync the package to the disk and rename it. Raise `OSError`."""
        fsync.sync(self.bag)
        fsync.rename(self.bag, self.output)
        self.database.close()
        shutil.rmtree(self.folder)

    def known_digest(self, entry: Entry) -> str | None:
        """Return the SHA-256 of a file that an earlier run has read, if the file has not changed since."""
        if entry.size < _REMEMBERED or isinstance(entry.content, bytes):
            return None
        row = self.database.execute(
            "SELECT size, modified, inode, sha256 FROM digest WHERE path = ?", (str(entry.content),)
        ).fetchone()
        return row[3] if row and row[:3] == _state(entry.content) else None

    def remember(self, entry: Entry, found: str) -> None:
        """Keep the SHA-256 of a large file for a run that continues."""
        if entry.size >= _REMEMBERED and isinstance(entry.content, Path):
            values = (str(entry.content), *_state(entry.content), found)
            self.database.execute("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?)", values)
            self.database.commit()


def _state(path: Path) -> tuple[int, int, int]:
    found = os.lstat(path)
    return found.st_size, found.st_mtime_ns, found.st_ino


def _database(path: Path) -> sqlite3.Connection:
    """Open the database of the work; replace one that a power failure has damaged."""
    for _ in range(2):
        database = sqlite3.connect(path)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_SCHEMA)
            return database
        except sqlite3.DatabaseError:
            database.close()
            path.unlink()
    raise BagError(f"{path} cannot be written; remove its folder and run the command again")
