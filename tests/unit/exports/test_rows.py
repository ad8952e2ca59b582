"""Rows are inserted many at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from ptmtorrent_scrapy.exports.sqlite.rows import Rows, insert, interleaved


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE pair (a INTEGER UNIQUE, b TEXT)")
        yield database


@pytest.mark.parametrize("count", [0, 1, 24, 25, 200, 226, 1051])
def test_every_row_is_inserted_in_order(connection: sqlite3.Connection, count: int) -> None:
    rows = [(number, f"b{number}" if number % 3 else None) for number in range(count)]
    values = interleaved([a for a, _ in rows], [b for _, b in rows])
    assert insert(connection, "INSERT INTO pair", 2, values) == count
    assert connection.execute("SELECT a, b FROM pair ORDER BY rowid").fetchall() == rows


def test_rows_that_are_ignored_are_not_counted(connection: sqlite3.Connection) -> None:
    assert insert(connection, "INSERT OR IGNORE INTO pair", 2, [1, "a", 2, "b", 1, "c"]) == 2
    assert connection.execute("SELECT * FROM pair").fetchall() == [(1, "a"), (2, "b")]


def test_rows_wait_until_there_are_many(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ptmtorrent_scrapy.exports.sqlite.rows._TOGETHER", 3)
    rows, counts = Rows(connection), list[int]()
    for number in range(4):
        rows.add("pair", number, "b")
        counts.append(connection.execute("SELECT count(*) FROM pair").fetchone()[0])
    rows.flush()
    assert counts == [0, 0, 3, 3]
    assert connection.execute("SELECT count(*) FROM pair").fetchone() == (4,)
