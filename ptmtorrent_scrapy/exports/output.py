"""The files of an export: written under temporary names, synced, and renamed when all of them are complete."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ptmtorrent_scrapy.storage.atomic import beside
from ptmtorrent_scrapy.storage.fsync import sync_paths


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """A file of an export."""

    path: Path
    rows: int | None  # None if it has none
    size: int  # bytes


class Output:
    """New files below a folder that are renamed together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[ExportedFile] = []  # those with their final names
        self._rows: dict[Path, int | None] = {}

    def new(self, name: str) -> Path:
        """Return the temporary path of the file `name`."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside(path).unlink(missing_ok=True)  # of an export that was killed
        self._rows[path] = None
        return beside(path)

    def complete(self, name: str, rows: int) -> None:
        """Note the rows of a file that is written; files are renamed in the order of these calls."""
        self._rows.pop(path := self.folder / name, None)
        self._rows[path] = rows

    def commit(self) -> None:
        """Rename the files after all of them are on the disk."""
        sync_paths(beside(path) for path in self._rows)
        for path, rows in self._rows.items():
            beside(path).replace(path)
            self.files.append(ExportedFile(path=path, rows=rows, size=path.stat().st_size))
        sync_paths(sorted({path.parent for path in self._rows}))
        self._rows.clear()

    def abandon(self) -> None:
        """Remove the new files."""
        for path in self._rows:
            beside(path).unlink(missing_ok=True)
        self._rows.clear()


@contextlib.contextmanager
def output(folder: Path) -> Iterator[Output]:
    """Open an output that commits if the block succeeds. Raise `OSError`."""
    files = Output(folder)
    try:
        yield files
        files.commit()
    except BaseException:
        files.abandon()
        raise
