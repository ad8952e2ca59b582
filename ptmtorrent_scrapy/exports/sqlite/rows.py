"""Rows that wait to be inserted, and names that many rows share."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any

from ptmtorrent_scrapy.exports.values import name

Row = tuple[Any, ...]

_TOGETHER = 5000  # rows that wait
_AT_ONCE = 100  # rows of a statement: three times as fast as one by one
_REMEMBERED = 40_000  # names of a table


class Rows:
    """Inserts rows by the thousand, which costs a fraction of inserting them one by one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._waiting: defaultdict[str, list[Row]] = defaultdict(list)

    def add(self, table: str, *values: Any) -> None:
        """Add a row; values are in the order of the columns."""
        self.extend(table, (values,))

    def extend(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows."""
        waiting = self._waiting[table]
        waiting.extend(rows)
        if len(waiting) >= _TOGETHER:
            self._insert(table, waiting)

    def flush(self, table: str | None = None) -> None:
        """Insert what waits, for one table or all."""
        for each in [table] if table else list(self._waiting):
            if rows := self._waiting[each]:
                self._insert(each, rows)

    def _insert(self, table: str, rows: list[Row]) -> None:
        insert(self.connection, f"INSERT INTO {table}", rows)
        rows.clear()


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[Row]) -> int:
    """Insert rows, which have one width; `into` is the statement without its values. Return how many were inserted."""
    marks, whole = f"({', '.join('?' * len(rows[0]))})", len(rows) - len(rows) % _AT_ONCE
    statement, count = f"{into} VALUES {', '.join([marks] * _AT_ONCE)}", 0
    for start in range(0, whole, _AT_ONCE):
        values = tuple(chain.from_iterable(rows[start : start + _AT_ONCE]))
        count += connection.execute(statement, values).rowcount
    rest = rows[whole:]
    return count + (connection.executemany(f"{into} VALUES {marks}", rest).rowcount if rest else 0)


class Names:
    """The ids of a look-up table such as `tag`; the names that came last are remembered, the others looked up."""

    def __init__(self, rows: Rows, table: str) -> None:
        self._rows = rows
        self._table = table
        self._select = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608 # our own names
        self._ids: dict[str, int] = {}  # names are checked before they come here
        self._last = 0
        self._has_forgotten = False

    def id(self, value: Any) -> int | None:
        """Return the id of a name, which is inserted if it is new; None for what cannot be one."""
        found = self._ids.get(value) if isinstance(value, str) else None
        return found or self._checked(value)

    def ids(self, values: Any) -> list[int]:
        """Return the ids of the names in a list, each once."""
        if not isinstance(values, list):
            return []
        found = self._remembered(values) or [each for value in values if (each := self.id(value))]
        return found if len(set(found)) == len(found) else list(dict.fromkeys(found))

    def _remembered(self, values: list[Any]) -> list[int]:
        """Return the ids of names that are all remembered; of others none."""
        try:
            return [self._ids[value] for value in values]
        except (KeyError, TypeError):
            return []

    def _checked(self, value: Any) -> int | None:
        checked = name(value)
        if checked is None:
            return None
        found = self._stored(checked) or self._new(checked)
        if checked == value:
            self._remember(checked, found)
        return found

    def _remember(self, checked: str, found: int) -> None:
        self._ids[checked] = found
        if len(self._ids) > _REMEMBERED:
            self._ids = dict(islice(self._ids.items(), _REMEMBERED // 2, None))
            self._has_forgotten = True

    def _stored(self, checked: str) -> int | None:
        if not self._has_forgotten and "\ufffd" not in checked:
            return None
        self._rows.flush(self._table)
        row = self._rows.connection.execute(self._select, (checked,)).fetchone()
        return row[0] if row else None

    def _new(self, checked: str) -> int:
        self._last += 1
        self._rows.add(self._table, self._last, checked)
        return self._last
