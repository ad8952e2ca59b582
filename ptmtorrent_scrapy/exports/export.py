"""Export a tree in one format or in all."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from ptmtorrent_scrapy.catalog import CollectedHub
from ptmtorrent_scrapy.exports.output import ExportedFile, Output, output
from ptmtorrent_scrapy.exports.source import Advance, Source, sources
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

SQLITE = "ptmtorrent.sqlite"
_LOCK = ".exports~lock"


class Format(StrEnum):
    """A format of exports."""

    SQLITE = "sqlite"
    PARQUET = "parquet"
    FAIR4ML = "fair4ml"
    CROISSANT = "croissant"


class ExportLocked(Exception):
    """Another export is writing to the folder; the message names its process."""


class Export:
    """Writes files below a folder; existing files stay until the new ones are complete.

    `advance` receives (activity, amount done, total); `warn` receives messages about missing data.
    """

    def __init__(
        self,
        hubs: Sequence[CollectedHub],
        folder: Path,
        *,
        with_commits: bool = True,
        advance: Advance = lambda what, done, total: None,
        warn: Callable[[str], object] = lambda warning: None,
        database: str = SQLITE,
    ) -> None:
        self.hubs = hubs
        self.folder = folder
        self._with_commits = with_commits
        self._advance = advance
        self._warn = warn
        self._database = database

    def run(self, formats: Sequence[Format | str]) -> list[ExportedFile]:
        """Write these formats, from one state of each hub. Raise `ExportLocked`, `OSError`, `sqlite3.Error`."""
        wanted = [Format(each) for each in Format if each in formats]
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with lock(self.folder / _LOCK), output(self.folder) as files, sources(self.hubs) as found:
                for source in found:
                    if missing := source.hub.missing():
                        self._warn(f"{source.hub.name} has no {', '.join(missing)}")
                self._write(files, found, wanted)
                for hub in self.hubs:
                    for fault in hub.faults.lines():
                        self._warn(f"{hub.name}: cannot be read and is not exported: {fault}")
        except LockHeld:
            raise ExportLocked(f"another export is writing to {self.folder}; wait for it") from None
        return files.files

    def _write(self, files: Output, found: Sequence[Source], wanted: Sequence[Format]) -> None:
        """Write the formats; modules that need extra libraries are imported only if needed."""
        written: list[str] = []
        if Format.SQLITE in wanted:
            written += self._write_sqlite(files, found)
        if Format.PARQUET in wanted or Format.CROISSANT in wanted:
            from ptmtorrent_scrapy.exports.parquet import dataset

            written += dataset.write(files, found, self._advance)
        if Format.FAIR4ML in wanted:
            from ptmtorrent_scrapy.exports import fair4ml

            written += fair4ml.write(files, found, self._advance)
        if Format.CROISSANT in wanted:
            from ptmtorrent_scrapy.exports import croissant

            croissant.write(files, found, written)

    def _write_sqlite(self, files: Output, found: Sequence[Source]) -> list[str]:
        from ptmtorrent_scrapy.exports.sqlite import database, datasette

        rows = database.write(
            files.new(self._database),
            found,
            with_commits=self._with_commits,
            advance=self._advance,
            warn=self._warn,
        )
        files.complete(self._database, rows)
        if self._database == SQLITE:  # else the folder is the user's own
            files.new(datasette.FILE).write_bytes(datasette.metadata(Path(SQLITE).stem))
        return [self._database]
