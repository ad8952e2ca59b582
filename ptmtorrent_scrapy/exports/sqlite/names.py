"""Ids of names that many rows share."""

import sqlite3
from itertools import islice

from ptmtorrent_scrapy.exports.sqlite.rows import insert, interleaved

_REMEMBERED = 40_000  # names of a table
_PLACES = 1 << 25  # bits


class Names:
    """The ids of a look-up table such as `tag`: recent names are cached, others are looked up."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._insert = f"INSERT INTO {table}"
        self._select = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608 # our own names
        self._ids: dict[str, int] = {}
        self._last = 0
        self._forgotten = Forgotten()

    def ids(self, names: list[str]) -> list[int]:
        """Return the id of each name; new names are inserted."""
        try:
            return [self._ids[name] for name in names]
        except KeyError:
            self._learn(dict.fromkeys(names))
        found = [self._ids[name] for name in names]
        if len(self._ids) > _REMEMBERED:
            self._forget()
        return found

    def _learn(self, names: dict[str, None]) -> None:
        first, new = self._last + 1, list[str]()
        for name in names:
            if name not in self._ids:
                self._ids[name] = self._stored(name) or self._last + 1
                if self._ids[name] > self._last:
                    self._last += 1
                    new.append(name)
        insert(self._connection, self._insert, 2, interleaved(range(first, self._last + 1), new))

    def _stored(self, name: str) -> int | None:
        row = self._connection.execute(self._select, (name,)).fetchone() if name in self._forgotten else None
        return row[0] if row else None

    def _forget(self) -> None:
        """Forget the older half of the names."""
        names = iter(self._ids.items())
        for name, _ in islice(names, len(self._ids) // 2):
            self._forgotten.add(name)
        self._ids = dict(names)


class Forgotten:
    """A Bloom filter of names in 4 MB, so that most new names need no look-up."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, name: str) -> None:
        """Add a name."""
        self._bits = self._bits or bytearray(_PLACES // 8)
        place = hash(name) % _PLACES
        self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, name: str) -> bool:
        """Return whether the set may have a name."""
        place = hash(name) % _PLACES
        return bool(self._bits) and bool(self._bits[place >> 3] >> (place & 7) & 1)
