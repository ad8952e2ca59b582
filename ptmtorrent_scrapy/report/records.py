"""Figures of a hub's records, from one pass over them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from ptmtorrent_scrapy.records.validator import schema
from ptmtorrent_scrapy.report.lineage import Lineage, LineageReader
from ptmtorrent_scrapy.report.values import Bin, Downloads, Top, Values

SPDX = "ModelLicenseSPDX"
_FIELDS = ("ModelTask", "ModelLibrary", "ModelArchitecture", "ModelOwner")  # whose most frequent values are shown
_EVERY = 5_000  # records between two reports of progress


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The number of records with a field."""

    field: str
    records: int


@dataclass(frozen=True, kw_only=True)
class RecordFigures:
    """Figures from the records of a hub."""

    records: int
    filled: list[Filled]  # in the order of the schema, including fields that no record has
    top: list[Top]
    licenses: Top
    spdx: int  # models whose licence maps to SPDX identifiers
    downloads: list[Bin]
    lineage: Lineage | None


def record_figures(records: Iterable[dict[str, Any]], advance: Callable[[int], object]) -> RecordFigures:
    """Return the figures; `advance` is called with the number of records read so far. Raise `OSError`."""
    with LineageReader() as lineage:
        counts = _Counts(lineage)
        for record in records:
            counts.add(record)
            if counts.records % _EVERY == 0:
                advance(counts.records)
        advance(counts.records)
        return counts.figures()


class _Counts:
    """Counts of the records so far."""

    def __init__(self, lineage: LineageReader) -> None:
        self.records = 0
        self._filled: Counter[str] = Counter()
        self._values = [Values(field) for field in _FIELDS]
        self._licenses = Values("ModelLicense")
        self._spdx = 0
        self._downloads = Downloads()
        self._lineage = lineage

    def add(self, record: dict[str, Any]) -> None:
        self.records += 1
        self._filled.update(record.keys())
        for values in self._values:
            values.add(record.get(values.field))
        license_ = license_of(record)
        self._licenses.add(license_)
        self._spdx += SPDX in record
        self._downloads.add(record.get("ModelDownloads"))
        self._lineage.add(record, license_)

    def figures(self) -> RecordFigures:
        return RecordFigures(
            records=self.records,
            filled=_filled(self._filled),
            top=[values.top() for values in self._values],
            licenses=self._licenses.top(),
            spdx=self._spdx,
            downloads=self._downloads.bins(),
            lineage=self._lineage.lineage(),
        )


def license_of(record: dict[str, Any]) -> str | None:
    """Return the licence as SPDX identifiers, else as the hub names it; None without one.

    >>> license_of({"ModelLicense": "apache-2.0", "ModelLicenseSPDX": ["Apache-2.0"]})
    'Apache-2.0'
    """
    identifiers, license_name = record.get(SPDX), record.get("ModelLicense")
    if isinstance(identifiers, list) and identifiers:
        return ", ".join(map(str, identifiers))
    return license_name if isinstance(license_name, str) and license_name else None


def _filled(counts: Counter[str]) -> list[Filled]:
    known = record_fields()
    others = sorted(counts.keys() - set(known))[:100]
    return [Filled(field=field, records=counts[field]) for field in (*known, *others)]


@cache
def record_fields() -> tuple[str, ...]:
    """Return the names of all fields that a record may have."""
    return tuple(schema("record")["properties"])
