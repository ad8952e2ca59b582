"""Columns with an Arrow type. A value of another type is null."""

import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import accumulate, chain, repeat
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ptmtorrent_scrapy.exports.values import boolean, mapping, whole

_LONGEST = 1 << 24  # bytes of a text; Arrow's arrays of text hold 2 GiB
POOL = pa.system_memory_pool()  # others keep what was freed
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


class Column:
    """A column of a table; Arrow can take the values unchanged if all of them have a type in `exact`."""

    item: "Column | None" = None  # of a list

    def __init__(self, arrow: pa.DataType, clean: Callable[[Any], Any], *exact: type) -> None:
        self.type = arrow
        self.clean = clean
        self._exact = frozenset((*exact, type(None)) if exact else ())

    def array(self, values: list[Any]) -> "pa.Array[Any]":
        """Return the values as an array of the column's type."""
        if self._exact.issuperset(map(type, values)):
            with contextlib.suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
                return pa.array(values, self.type, memory_pool=POOL)
        return pa.array([None if value is None else self.clean(value) for value in values], self.type, memory_pool=POOL)


class _Integers(Column):
    """A column of integers of 64 bits."""

    def __init__(self) -> None:
        super().__init__(pa.int64(), whole, int)

    def array(self, values: list[Any]) -> "pa.Array[Any]":
        made = super().array(values)
        ends = (pc.min(made).as_py(), pc.max(made).as_py())
        if all(each is None or whole(each) is not None for each in ends):
            return made
        return pa.array([*map(whole, values)], self.type, memory_pool=POOL)


class _Record(Column):
    """A column of structures, converted field by field."""

    def __init__(self, fields: Mapping[str, Column]) -> None:
        self._fields = fields
        self._described = [pa.field(name, column.type) for name, column in fields.items()]
        super().__init__(pa.struct(self._described), self._clean)

    def array(self, values: list[Any]) -> "pa.Array[Any]":
        there = [value if isinstance(value, dict) else {} for value in values]
        arrays = [column.array([*map(dict.get, there, repeat(name))]) for name, column in self._fields.items()]
        absent = pa.array([not isinstance(value, dict) for value in values], pa.bool_(), memory_pool=POOL)
        return pa.StructArray.from_arrays(arrays, fields=self._described, mask=absent, memory_pool=POOL)

    def _clean(self, value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        return {
            name: column.clean(found) for name, column in self._fields.items() if (found := value.get(name)) is not None
        }


class _Many(Column):
    """A column of lists; items of another type are skipped."""

    def __init__(self, item: Column) -> None:
        exact = (list,) if pa.types.is_string(item.type) else ()  # for which Arrow refuses items of another type
        super().__init__(pa.list_(item.type), self._clean, *exact)
        self.item: Column = item

    def array(self, values: list[Any]) -> "pa.Array[Any]":
        if not isinstance(self.item, _Record):
            return super().array(values)
        lists = [value if isinstance(value, list) else [] for value in values]
        flat = [*chain.from_iterable(lists)]
        if any(type(value) is not dict for value in flat):
            return super().array(values)
        ends = pa.array([0, *accumulate(map(len, lists))], pa.int32(), memory_pool=POOL)
        absent = pa.array([not isinstance(value, list) for value in values], pa.bool_(), memory_pool=POOL)
        return pa.ListArray.from_arrays(ends, self.item.array(flat), pool=POOL, mask=absent)

    def _clean(self, value: Any) -> list[Any] | None:
        if not isinstance(value, list):
            return None
        return [found for each in value if (found := self.item.clean(each)) is not None]


def text() -> Column:
    """Return a column of text."""
    return Column(pa.string(), _text, str)


def integer() -> Column:
    """Return a column of integers of 64 bits."""
    return _Integers()


def real() -> Column:
    """Return a column of floats."""
    return Column(pa.float64(), lambda value: float(value) if type(value) in (int, float) else None, int, float)


def truth() -> Column:
    """Return a column of truth values."""
    return Column(pa.bool_(), boolean, bool)


def json() -> Column:
    """Return a column of JSON text, for values whose shape varies."""
    return Column(pa.string(), lambda value: _text(orjson.dumps(value).decode()))


def word() -> Column:
    """Return a column of text for values that are a truth value or a word, such as `gated`."""
    return Column(pa.string(), lambda value: str(value).lower() if isinstance(value, bool) else _text(value), str)


def time() -> Column:
    """Return a column of times in UTC, from RFC 3339 texts."""
    return Column(pa.timestamp("ms", "UTC"), _time)


def many(item: Column) -> Column:
    """Return a column of lists; items of another type are skipped."""
    return _Many(item)


def record(fields: Mapping[str, Column]) -> Column:
    """Return a column of structures."""
    return _Record(fields)


def counts() -> Column:
    """Return a column of maps from a name to an integer."""

    def clean(value: Any) -> list[tuple[str, int]] | None:
        if not isinstance(value, dict):
            return None
        return [(_text(key) or "", found) for key, each in value.items() if (found := whole(each)) is not None]

    return Column(pa.map_(pa.string(), pa.int64()), clean)


def of_schema(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Column:
    """Return the column for a JSON schema; values of several types become text."""
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
