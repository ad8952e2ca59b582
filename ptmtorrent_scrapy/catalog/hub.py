"""One hub of a data tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeGuard

from ptmtorrent_scrapy.catalog.faults import Faults, below
from ptmtorrent_scrapy.catalog.pair import Pair
from ptmtorrent_scrapy.formats.raw_json import mapping
from ptmtorrent_scrapy.storage.json_reading import lines as json_lines
from ptmtorrent_scrapy.storage.tree import DataTree

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


@dataclass(frozen=True, kw_only=True)
class Crawl:
    """The crawl that a hub's data comes from; times are RFC 3339."""

    started: str
    ended: str | None  # None if it is still running, or was killed
    version: str | None
    reason: str | None  # `finished`, or why it ended early


class CollectedHub:
    """The collected data of one hub. `faults` counts what could not be read so far."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.tree = DataTree(root, name)
        self.folder = self.tree.folder
        self.faults = Faults()

    def open(self) -> Pair:
        """Open records and metadata of one crawl; use it as a context. Raise `OSError`."""
        return Pair(self.tree, self.faults)

    def repositories(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of repositories.jsonl: the result of each repository's clone."""
        return self._lines("repositories.jsonl", "url")

    def files(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of files.jsonl: `repository`, `path`, `size`, `blob`, and `sha256`, `state`."""
        return self._lines("files.jsonl", "repository", "path")

    def crawls(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of crawls.jsonl, earliest first."""
        return self._lines("crawls.jsonl", "started")

    def rejected(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of rejected.jsonl: `name`, `position`, `reason`, `detail`."""
        return self._lines("rejected.jsonl", "reason")

    def missing(self) -> list[str]:
        """Return the hub's missing files, as paths below its folder; hubs of datasets and spaces have fewer files."""
        json = self.folder / "json"
        expected = [json / "crawls.jsonl"]
        if not self._is_without_records():
            names = ("repositories.jsonl", "files.jsonl", "rejected.jsonl")
            expected = [self.tree.records, *(json / name for name in names), *expected]
        absent = [below(path, self.folder) for path in expected if not path.is_file()]
        return absent if any((json / "metadata").glob("*.json")) else [*absent, "json/metadata"]

    def crawl(self, pair: Pair | None = None) -> Crawl | None:
        """Return the crawl that wrote the hub's data, or the open files; None if it is unknown."""
        if pair is None:
            with self.open() as now:
                return self.crawl(now)
        written = pair.written
        finished = [line for line in self.crawls() if _has_data(line) and is_time(line["started"])]
        known = [line for line in [*finished, *self._running()] if _began_before(line, written)]
        if not (lines := known or finished):
            return None
        line = lines[-1]
        return Crawl(
            started=line["started"],
            ended=ended if is_time(ended := line.get("ended")) else None,
            version=_string(line.get("version")),
            reason=_string(line.get("reason")) if line.get("ended") else None,
        )

    def _is_without_records(self) -> bool:
        """Return whether the hub lists datasets or spaces: its crawls finish without writing records."""
        if self.tree.records.is_file():
            return False
        finished = [mapping(line.get("counts")) for line in self.crawls() if line.get("reason") == "finished"]
        return bool(finished) and all(counts.get("records") is None for counts in finished)

    def _running(self) -> Iterator[dict[str, Any]]:
        """Yield the line of a crawl that has not ended."""
        return self._lines(f".{self.name}~begun", "started")

    def _lines(self, name: str, *fields: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of a JSON-lines file that have strings in the required fields."""
        path = self.folder / "json" / name
        if not path.is_file():
            return
        file_name = below(path, self.folder)
        with path.open("rb") as file:
            for number, line in json_lines(file, lambda what: self.faults.add(file_name, what)):
                if all(isinstance(line.get(field), str) for field in fields):
                    yield line
                else:
                    self.faults.add(file_name, f"line {number} has no {' or '.join(fields)}")


def _has_data(line: dict[str, Any]) -> bool:
    """Return whether a crawl has written records, or listed models of a hub without records."""
    counts = line.get("counts")
    return isinstance(counts, dict) and (counts.get("records") is not None or line.get("reason") == "finished")


def _began_before(line: dict[str, Any], written: float | None) -> bool:
    try:
        return written is not None and datetime.fromisoformat(line["started"]).timestamp() <= written
    except (ValueError, OverflowError):
        return False


def is_time(value: Any) -> TypeGuard[str]:
    """Return whether a value is a time as crawls write it, in RFC 3339.

    Examples:
        >>> is_time("2026-01-02T03:04:05+00:00"), is_time("2026-W01-1T00:00:00Z"), is_time(None)
        (True, False, False)
    """
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
