"""Hugging Face's listings with the columns of the dataset `cfahlgren1/hub-stats`, so that its queries run unchanged."""

import re
from array import array
from collections.abc import Iterable, Iterator
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
_LAST = b"\xff" * 12
_TOGETHER = 10_000


def rows(pair: Pair, file: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each object of a listing and its bytes, in the order of `_id`, in which readers can skip row groups."""
    places = _Places()
    for element in pair.elements(file):
        places.add(element.value.get("_id"), element.offset, element.length)
    for offset, length in places.in_order():
        found = pair.object_at(file, offset, length)
        files = [mapping(each).get("rfilename") for each in items(found.get("siblings"))]
        yield ({**found, "siblings": files} if "siblings" in found else found), length


class _Places:
    """Positions of the objects of a file, in 24 bytes each, so that millions can be sorted in memory."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._offsets, self._lengths = array("q"), array("i")
        self._last = b""
        self._rises = self._falls = True  # a listing falls: the newest models come first

    def add(self, identifier: Any, offset: int, length: int) -> None:
        is_one = isinstance(identifier, str) and _ID.fullmatch(identifier)
        found = bytes.fromhex(identifier) if is_one else _LAST
        self._rises &= found >= self._last
        self._falls &= found <= (self._last or _LAST)
        self._last = found
        self._ids += found
        self._offsets.append(offset)
        self._lengths.append(length)

    def in_order(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of each object, by its id; those without one last."""
        for number in self._order():
            yield self._offsets[number], self._lengths[number]

    def _order(self) -> Iterable[int]:
        ids, self._ids, count = self._ids, bytearray(), len(self._offsets)
        if self._rises or self._falls:
            return range(count) if self._rises else range(count - 1, -1, -1)
        order = pc.sort_indices(pa.Array.from_buffers(pa.binary(len(_LAST)), count, [None, pa.py_buffer(ids)]))
        pieces = (order.slice(start, _TOGETHER).to_pylist() for start in range(0, count, _TOGETHER))
        return (number for piece in pieces for number in piece if number is not None)
