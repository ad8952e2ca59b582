"""Languages by their ISO 639 names."""

import sqlite3

import langcodes

from ptmtorrent_scrapy.exports.values import LONGEST_NAME

_REMEMBERED = 10_000


class Languages:
    """The ids of the table `language`, whose names and abbreviations are each unique."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {}  # by code, as hubs write it
        self._last = 0

    def ids(self, codes: list[str]) -> list[int]:
        """Return the id of the language of each code; several codes may mean one language."""
        return [self._ids.get(code) or self._id(code) for code in codes]

    def _id(self, code: str) -> int:
        if code not in self._ids:
            if len(self._ids) >= _REMEMBERED:
                self._ids.clear()
            self._ids[code] = self._stored_or_new(*language(code))
        return self._ids[code]

    def _stored_or_new(self, abbreviation: str, name: str) -> int:
        found = self._find("abbreviation", abbreviation) or (self._find("name", name) if name == abbreviation else None)
        if found is None and self._find("name", name):  # another code already has the name
            name = abbreviation
            found = self._find("name", name)
        if found is None:
            self._last = found = self._last + 1
            row = (found, name, abbreviation)
            self._connection.execute("INSERT INTO language (id, name, abbreviation) VALUES (?, ?, ?)", row)
        return found

    def _find(self, column: str, value: str) -> int | None:
        query = f"SELECT id FROM language WHERE {column} = ?"  # noqa: S608 # our own name
        row = self._connection.execute(query, (value,)).fetchone()
        return row[0] if row else None


def language(code: str) -> tuple[str, str]:
    """Return (shortest code, English name) of a language; a code that is not of ISO 639 is used as both.

    >>> language("en"), language("deu"), language("pt-BR"), language("klingonese")
    (('en', 'English'), ('de', 'German'), ('pt-BR', 'Portuguese (Brazil)'), ('klingonese', 'klingonese'))
    """
    try:
        known = langcodes.Language.get(code) if len(code) <= LONGEST_NAME else None
        if known and known.is_valid():
            return known.to_tag(), known.display_name()
    except ValueError:
        pass
    return code, code
