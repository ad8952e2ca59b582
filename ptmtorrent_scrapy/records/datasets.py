"""Check the datasets of models against the listing of datasets in the same data tree."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.items import Dataset
from ptmtorrent_scrapy.storage.json_reading import elements


class ListedDatasets:
    """The papers of each dataset, by its id; on disk, so that memory does not grow with the hub."""

    def __init__(self, metadata: Path, papers: Callable[[dict[str, Any]], list[str]]) -> None:
        """Read the objects of a finished listing, 20 microseconds each; `papers` returns the DOIs of one."""
        # A temporary database that SQLite removes itself; made in one thread and read in another.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8000;")
        self._database.execute("CREATE TABLE dataset (id TEXT PRIMARY KEY, paper TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")
        rows = ((listed["id"].lower(), next(iter(papers(listed)), None)) for listed in _objects(metadata))
        self._database.executemany("INSERT OR IGNORE INTO dataset VALUES (?, ?)", rows)
        self._database.execute("COMMIT")

    def check(self, dataset: Dataset) -> bool:
        """Return whether the hub lists a dataset; set its paper if known."""
        query = "SELECT paper FROM dataset WHERE id = ?"
        row = self._database.execute(query, (dataset.name.lower(),)).fetchone()
        if row is not None:
            dataset.paper = dataset.paper or row[0]
        return row is not None

    def close(self) -> None:
        """Remove the database."""
        self._database.close()


def _objects(metadata: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a metadata file that have an id."""
    with metadata.open("rb") as file:
        for element in elements(file, lambda _: None):  # `scrapy verify` reports what cannot be read
            if isinstance(element.value, dict) and isinstance(element.value.get("id"), str):
                yield element.value
