"""Hugging Face's listings with the columns of the dataset `cfahlgren1/hub-stats`, so that its queries run unchanged."""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ptmtorrent_scrapy.catalog import Pair
from ptmtorrent_scrapy.exports.parquet.columns import (
    Column,
    counts,
    integer,
    json,
    many,
    real,
    record,
    text,
    time,
    truth,
    word,
)
from ptmtorrent_scrapy.exports.values import items, mapping
from ptmtorrent_scrapy.storage.json_reading import value

_COMMON = {
    "_id": text(),
    "id": text(),
    "author": text(),
    "sha": text(),
    "createdAt": time(),
    "lastModified": time(),
    "likes": integer(),
    "trendingScore": real(),
    "tags": many(text()),
    "private": truth(),
    "disabled": truth(),
    "cardData": json(),
    "siblings": many(text()),
}
_COUNTED = {"downloads": integer(), "downloadsAllTime": integer(), "gated": word()}
COLUMNS: dict[str, dict[str, Column]] = {
    "models": {
        **_COMMON,
        **_COUNTED,
        "pipeline_tag": text(),
        "library_name": text(),
        "config": json(),
        "safetensors": record({"parameters": counts(), "total": integer()}),
        "baseModels": record({"models": many(record({"_id": text(), "id": text()})), "relation": text()}),
    },
    "datasets": {
        **_COMMON,
        **_COUNTED,
        "description": text(),
        "citation": text(),
        "paperswithcode_id": text(),
        "mainSize": integer(),
    },
    "spaces": {
        **_COMMON,
        "sdk": text(),
        "subdomain": text(),
        "runtime": json(),
        "models": many(text()),
        "datasets": many(text()),
    },
}

_ID = re.compile(r"[0-9a-f]{24}")
_ID_FIRST = re.compile(rb'\{"_id": ?"([0-9a-f]{24})",')
_LAST = b"\xff" * 12
_TOGETHER = 10_000


def rows(pair: Pair, file: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each object of a listing and its bytes, in the order of `_id`, in which readers can skip row groups."""
    places = _Places(lambda offset, length: pair.object_at(file, offset, length))
    without_place: list[dict[str, Any]] = []  # all objects, if the array has only one line, which is read at once
    for element in pair.elements(file, _head):
        if element.length:
            places.add(element.value, element.offset, element.length)
        else:
            without_place.append(element.value)
    for found in sorted(without_place, key=_key):
        yield _row(found), 0
    for offset, length in places.in_order():
        try:
            yield _row(pair.object_at(file, offset, length)), length
        except ValueError:
            pair.report_broken(file, offset)


def _head(text: bytes) -> Any:
    """Return only the id of an object that begins with it, as the hub's do; else the complete object.

    >>> _head(b'{"_id":"0123456789abcdef01234567","id":"a/b"}'), _head(b'{"id": "a/b"}')
    ({'_id': '0123456789abcdef01234567'}, {'id': 'a/b'})
    """
    found = _ID_FIRST.match(text) if text.endswith(b"}") else None
    return {"_id": found[1].decode()} if found else value(text)


def _row(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the names of its files, as hub-stats has them."""
    if "siblings" not in found:
        return found
    return {**found, "siblings": [mapping(each).get("rfilename") for each in items(found["siblings"])]}


class _Places:
    """Positions of the objects of a file in 12 bytes each, so that millions can be sorted in memory.

    A listing is usually sorted by id, newest first; otherwise the ids are kept, too, in 12 more bytes each.
    """

    def __init__(self, read: Callable[[int, int], dict[str, Any]]) -> None:
        self._read = read
        self._ids: bytearray | None = None
        self._offsets, self._lengths = array("q"), array("i")
        self._last = b""
        self._rises = self._falls = True

    def add(self, found: dict[str, Any], offset: int, length: int) -> None:
        key = _key(found)
        self._rises &= key >= self._last
        self._falls &= key <= (self._last or _LAST)
        self._last = key
        if self._ids is None and not (self._rises or self._falls):
            places = zip(self._offsets, self._lengths, strict=True)
            self._ids = bytearray().join(_key(self._read(*place)) for place in places)
        if self._ids is not None:
            self._ids += key
        self._offsets.append(offset)
        self._lengths.append(length)

    def in_order(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of each object, by its id; those without one last."""
        for number in self._order():
            yield self._offsets[number], self._lengths[number]

    def _order(self) -> Iterable[int]:
        ids, self._ids, count = self._ids, None, len(self._offsets)
        if ids is None:
            return range(count) if self._rises else range(count - 1, -1, -1)
        order = pc.sort_indices(pa.Array.from_buffers(pa.binary(len(_LAST)), count, [None, pa.py_buffer(ids)]))
        pieces = (order.slice(start, _TOGETHER).to_pylist() for start in range(0, count, _TOGETHER))
        return (number for piece in pieces for number in piece if number is not None)


def _key(found: dict[str, Any]) -> bytes:
    """Return the id of an object as bytes, the key for sorting."""
    identifier = found.get("_id")
    return bytes.fromhex(identifier) if isinstance(identifier, str) and _ID.fullmatch(identifier) else _LAST
