"""Columns: an Arrow type, and what a value must be to have it. A value of another type is null."""

import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from ptmtorrent_scrapy.exports.values import boolean, mapping, whole

_LONGEST = 1 << 24  # bytes of a text; Arrow's arrays of text hold 2 GiB
POOL = pa.system_memory_pool()  # others keep what was freed
_LISTS = (list, type(None))
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


class Column:
    """A column of a table; `is_checked` says that Arrow refuses what has another type than the column's."""

    def __init__(
        self, arrow: pa.DataType, clean: Callable[[Any], Any], *, is_checked: bool = False, item: "Column | None" = None
    ) -> None:
        self.type = arrow
        self.item = item  # of a list
        self.clean = clean
        self.is_checked = is_checked

    def array(self, values: list[Any]) -> "pa.Array[Any]":
        """Return the values as an array of the column's type."""
        if self.is_checked and (self.item is None or all(type(each) in _LISTS for each in values)):
            with contextlib.suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
                return pa.array(values, self.type, memory_pool=POOL)
        return pa.array([None if value is None else self.clean(value) for value in values], self.type, memory_pool=POOL)


def text() -> Column:
    """Return a column of text."""
    return Column(pa.string(), _text, is_checked=True)


def integer() -> Column:
    """Return a column of integers of 64 bits."""
    return Column(pa.int64(), whole)


def real() -> Column:
    """Return a column of floats."""
    return Column(pa.float64(), lambda value: float(value) if type(value) in (int, float) else None)


def truth() -> Column:
    """Return a column of truth values."""
    return Column(pa.bool_(), boolean, is_checked=True)


def json() -> Column:
    """Return a column of JSON text, for values whose shape varies."""
    return Column(pa.string(), lambda value: _text(orjson.dumps(value).decode()))


def word() -> Column:
    """Return a column of text for values that are a truth value or a word, such as `gated`."""
    return Column(pa.string(), lambda value: str(value).lower() if isinstance(value, bool) else _text(value))


def time() -> Column:
    """Return a column of times in UTC, from RFC 3339 texts."""
    return Column(pa.timestamp("ms", "UTC"), _time)


def many(item: Column) -> Column:
    """Return a column of lists; items of another type are skipped."""

    def clean(value: Any) -> list[Any] | None:
        if not isinstance(value, list):
            return None
        return [found for each in value if (found := item.clean(each)) is not None]

    return Column(pa.list_(item.type), clean, is_checked=pa.types.is_string(item.type), item=item)


def record(fields: Mapping[str, Column]) -> Column:
    """Return a column of structures."""
    cleaners = [(name, column.clean) for name, column in fields.items()]

    def clean(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        return {name: clean(found) for name, clean in cleaners if (found := value.get(name)) is not None}

    return Column(pa.struct([pa.field(name, column.type) for name, column in fields.items()]), clean)


def counts() -> Column:
    """Return a column of maps from a name to an integer."""

    def clean(value: Any) -> list[tuple[str, int]] | None:
        if not isinstance(value, dict):
            return None
        return [(_text(key) or "", found) for key, each in value.items() if (found := whole(each)) is not None]

    return Column(pa.map_(pa.string(), pa.int64()), clean)


def of_schema(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Column:
    """Return the column that holds what a JSON schema describes; what has several types becomes a word."""
    schema = definitions.get(str(schema.get("$ref")).rpartition("/")[2], schema)
    match schema.get("type"):
        case "integer":
            return integer()
        case "number":
            return real()
        case "boolean":
            return truth()
        case "array":
            return many(of_schema(mapping(schema.get("items")), definitions))
        case "object":
            return record({name: of_schema(each, definitions) for name, each in schema["properties"].items()})
    return word()


def _text(value: Any) -> str | None:
    return value if type(value) is str and len(value) <= _LONGEST else None


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found if _EARLIEST < found < _LATEST else None
