"""Rows of everything besides the records: repositories, files, crawls, rejected models."""

import sqlite3
from typing import Any

import orjson

from ptmtorrent_scrapy.catalog import CollectedHub, Crawl, Pair
from ptmtorrent_scrapy.exports.source import Advance, counted
from ptmtorrent_scrapy.exports.sqlite.rows import Rows
from ptmtorrent_scrapy.exports.values import mapping, number, text, whole

_REPOSITORY = "INSERT OR REPLACE INTO ptm_repository VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FIND = "SELECT id, path FROM ptm_repository WHERE hub = ? AND url = ?"


class Repositories:
    """The rows of repositories and their files."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._connection: sqlite3.Connection = rows.connection
        self.count = 0
        self._hubs: set[str] = set()  # hubs with repositories

    def add_hub(self, hub: CollectedHub, advance: Advance) -> None:
        """Add the repositories of a hub; the last line of a URL counts."""
        for line in counted(advance, f"repositories of {hub.name}", hub.repositories()):
            known = self.find(hub.name, line["url"]) if hub.name in self._hubs else None
            self._add(known[0] if known else None, hub.name, line)

    def add_files(self, hub: CollectedHub, advance: Advance) -> None:
        """Add the files of the hub's repositories; these must be added first."""
        last: tuple[str, int] = ("", 0)
        for line in counted(advance, f"files of {hub.name}", hub.files()):
            url, path = text(line["repository"]) or "", text(line["path"])
            if url != last[0]:
                last = (url, self._id(hub.name, url))
            row = (path, whole(line.get("size")), text(line.get("blob")), text(line.get("sha256")))
            self._rows.add("ptm_file", last[1], *row, text(line.get("state")))

    def find(self, hub: str, url: Any) -> tuple[int, str | None] | None:
        """Return (id, path of the clone) of the repository with that URL, None if it has no line."""
        if hub not in self._hubs or not isinstance(url, str):
            return None
        found: tuple[int, str | None] | None = self._connection.execute(_FIND, (hub, url)).fetchone()
        return found

    def _id(self, hub: str, url: str) -> int:
        found = self.find(hub, url)
        return found[0] if found else self._add(None, hub, {"url": url})

    def _add(self, known: int | None, hub: str, line: dict[str, Any]) -> int:
        if known is None:
            self.count += 1
        self._hubs.add(hub)
        row = (
            known or self.count,
            hub,
            text(line["url"]),
            text(line.get("path")),
            text(line.get("commit")),
            text(line.get("branch")),
            text(line.get("status")),
            text(line.get("error")),
            whole(line.get("attempts")),
            text(line.get("started")),
            number(line.get("seconds")),
            whole(line.get("git_bytes")),
            whole(line.get("lfs_objects")),
            whole(line.get("lfs_bytes")),
        )
        self._connection.execute(_REPOSITORY, row)
        return row[0]


def add_crawls(rows: Rows, hub: CollectedHub, source: Crawl | None) -> None:
    """Add the crawls of a hub; one of them is the source of its records."""
    for line in hub.crawls():
        counts = mapping(line.get("counts"))
        rows.add(
            "ptm_crawl",
            None,
            hub.name,
            text(line["started"]),
            text(line.get("ended")),
            text(line.get("version")),
            text(line.get("reason")),
            text(line.get("problem")),
            whole(counts.get("models")),
            whole(counts.get("records")),
            orjson.dumps(line.get("arguments")).decode(),
            orjson.dumps(line.get("settings")).decode(),
            orjson.dumps(counts).decode(),
            int(source is not None and source.started == line["started"]),
        )


def add_rejected(rows: Rows, hub: CollectedHub, pair: Pair) -> None:
    """Add the models of a hub that have no record."""
    for line in pair.rejected():
        name, detail = text(line.get("name")), text(line.get("detail"))
        rows.add("ptm_rejected", hub.name, name, whole(line.get("position")), str(text(line.get("reason"))), detail)
