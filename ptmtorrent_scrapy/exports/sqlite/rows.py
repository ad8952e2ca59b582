"""Insert hundreds of rows at once, which takes a fraction of the time of single rows."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

Row = tuple[Any, ...]

_TOGETHER = 5000  # rows that wait
_VALUES = 400  # of a statement; this takes a third of the time of statements with one row each

_NULL: dict[None, None] = {}
sqlite3.register_adapter(type(None), _NULL.get)  # otherwise None takes ten times as long as a number


class Rows:
    """Collects rows of several tables, to insert many at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._waiting: defaultdict[str, list[Row]] = defaultdict(list)

    def add(self, table: str, *values: Any) -> None:
        """Add a row; values are in the order of the columns."""
        waiting = self._waiting[table]
        waiting.append(values)
        if len(waiting) >= _TOGETHER:
            self._insert(table)

    def flush(self) -> None:
        """Insert the collected rows."""
        for table in self._waiting:
            self._insert(table)

    def _insert(self, table: str) -> None:
        if rows := self._waiting[table]:
            insert(self.connection, f"INSERT INTO {table}", len(rows[0]), [*chain.from_iterable(rows)])
            rows.clear()


def insert(connection: sqlite3.Connection, into: str, width: int, values: Sequence[Any]) -> int:
    """Insert rows of this width from their consecutive values; return how many were inserted.

    `into` is the statement up to its values.
    """
    start = count = 0
    for rows in (_VALUES // width, _VALUES // width // 8, 1):
        statement, size = _statement(into, width, rows), rows * width
        while start + size <= len(values):
            count += connection.execute(statement, values[start : start + size]).rowcount
            start += size
    return count


def interleaved(*columns: Sequence[Any]) -> list[Any]:
    """Return the values of columns row by row.

    >>> interleaved([1, 2], ["a", "b"])
    [1, 'a', 2, 'b']
    """
    values: list[Any] = [None] * (len(columns[0]) * len(columns))
    for number, column in enumerate(columns):
        values[number :: len(columns)] = column
    return values


@cache
def _statement(into: str, width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{into} VALUES {', '.join([row] * rows)}"
