"""Changes between two states of a hub. Records are compared in a database on disk, so memory stays small."""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.snapshots.reader import DamagedFile, State

COUNTS = ("ModelDownloads", "ModelLikes")  # fields that change all the time
SHOWN = ("LatestGitCommitSHA", "ModelLicense", "ModelTask")  # fields shown with both values
_PLACES = ("MetadataFilePath", "MetadataObjectID")  # position of the object in the listing, as `id` is of the record
_NOT_HASHED = frozenset(("id", "ModelURL", "ModelOwner", "ModelName", *SHOWN, *COUNTS))
_MOST = 10_000  # records per URL
_SHORT = 40  # characters of a text that is compared without hashing
_TABLE = "CREATE TABLE record (url TEXT, side INTEGER, compared BLOB)"
_ORDERED = "SELECT url, side, compared FROM record ORDER BY url, side, rowid"


class ChangeKind(StrEnum):
    """What has become of a model, as `what` in the output of `scrapy diff --json`."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass
class Change:
    """A change of one model."""

    what: ChangeKind
    model: str  # owner/name
    url: str
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # (old, new) values of the fields in SHOWN
    others: list[str] = field(default_factory=list)  # names of the other fields that changed
    counts: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # (old, new) downloads and likes

    @property
    def concerns_clone(self) -> bool:
        """Return whether the change adds, updates or removes a clone of the model."""
        is_moved = "LatestGitCommitSHA" in self.fields or "ModelRepositoryURL" in self.others
        return self.what != ChangeKind.CHANGED or is_moved

    @property
    def is_counted_only(self) -> bool:
        """Return whether only downloads or likes changed."""
        return self.what == ChangeKind.CHANGED and not self.fields and not self.others


def changes(former: State, new: State) -> Iterator[Change]:
    """Yield the changes, ordered by URL. Raise `DamagedFile`, `OSError`."""
    with (
        tempfile.TemporaryDirectory(prefix="diff-") as scratch,
        closing(sqlite3.connect(Path(scratch) / "records", isolation_level=None)) as database,
    ):
        try:
            database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;")
            database.execute(_TABLE)
            database.execute("BEGIN")
            for side, state in enumerate((former, new)):
                rows = ((record["ModelURL"], side, _compared(record, state)) for record in state.rows())
                database.executemany("INSERT INTO record VALUES (?, ?, ?)", rows)
            for url, rows_of_one in groupby(database.execute(_ORDERED), key=lambda row: row[0]):
                yield from _of_one(url, rows_of_one)
        except sqlite3.Error as error:
            raise OSError(f"{scratch}: {error}; set TMPDIR to a folder with more space") from error


def _compared(record: dict[str, Any], state: State) -> bytes:
    """Return the compared parts of a record: [owner, name, shown values, counts, hashes of the other fields].

    Raise `DamagedFile`.
    """
    try:
        return orjson.dumps(_parts(record))
    except TypeError:  # nested deeper than any record that a crawl writes
        raise DamagedFile(
            f"{state.records}: the record of {record.get('ModelURL')!s:.200} cannot be compared"
        ) from None


def _parts(record: dict[str, Any]) -> list[Any]:
    hub = record.get("ModelHub")
    if isinstance(hub, dict):
        record["ModelHub"] = {name: value for name, value in hub.items() if name not in _PLACES}
    shown, counts = ([record.get(name) for name in names] for names in (SHOWN, COUNTS))
    others = {name: _hash(value) for name, value in record.items() if name not in _NOT_HASHED}
    return [record.get("ModelOwner"), record.get("ModelName"), shown, counts, others]


def _hash(value: Any) -> Any:
    """Return a short value unchanged, else its hash in an array, so that no text equals a hash."""
    if type(value) is int or (type(value) is str and len(value) <= _SHORT):
        return value
    return [hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()]


def _of_one(url: str, rows: Iterator[tuple[str, int, bytes]]) -> Iterator[Change]:
    """Yield the changes of the models with one URL: usually one model, but a repository may have several."""
    texts: tuple[list[bytes], list[bytes]] = ([], [])
    for number, (_, side, compared) in enumerate(rows):
        if number == _MOST:
            raise DamagedFile(f"more than {_MOST:,} records have the ModelURL {url[:200]!r}")
        texts[side].append(compared)
    if texts[0] == texts[1]:
        return
    sides = ([orjson.loads(text) for text in side] for side in texts)
    pairs, removed, added = _paired(*sides)
    for former, new in pairs:
        if former != new:
            yield _changed(url, former, new)
    yield from (Change(ChangeKind.REMOVED, label(*record[:2]), url) for record in removed)
    yield from (Change(ChangeKind.ADDED, label(*record[:2]), url) for record in added)


def _paired(former: list[Any], new: list[Any]) -> tuple[list[tuple[Any, Any]], list[Any], list[Any]]:
    """Return pairs of the same model, the removed and the added ones.

    Models are matched by name; if exactly one is left on each side, they are the same model, renamed.
    """
    by_name: dict[str, list[Any]] = {}
    for record in reversed(former):
        by_name.setdefault(repr(record[1]), []).append(record)
    pairs, added = [], []
    for record in new:
        if same := by_name.get(repr(record[1])):
            pairs.append((same.pop(), record))
        else:
            added.append(record)
    removed = [record for records in by_name.values() for record in reversed(records)]
    if len(removed) == len(added) == 1:
        return [*pairs, (removed[0], added[0])], [], []
    return pairs, removed, added


def _changed(url: str, former: Any, new: Any) -> Change:
    hashes = [{**record[4], "ModelOwner": record[0], "ModelName": record[1]} for record in (former, new)]
    names = sorted(hashes[0].keys() | hashes[1].keys())
    return Change(
        ChangeKind.CHANGED,
        label(*new[:2]),
        url,
        fields=_differing(SHOWN, former[2], new[2]),
        others=[name for name in names if hashes[0].get(name) != hashes[1].get(name)],
        counts=_differing(COUNTS, former[3], new[3]),
    )


def _differing(names: tuple[str, ...], former: list[Any], new: list[Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (old, now) for name, old, now in zip(names, former, new, strict=True) if old != now}


def label(owner: Any, name: Any) -> str:
    """Return a model as owner/name, also if the hub's name has no owner in it.

    >>> label("google", "google/bert"), label("ONNX", "ResNet")
    ('google/bert', 'ONNX/ResNet')
    """
    return str(name) if str(name).startswith(f"{owner}/") else f"{owner}/{name}"
