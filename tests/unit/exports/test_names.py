"""Names that many rows share have one id each, even after they left the cache."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from ptmtorrent_scrapy.exports.sqlite.names import Forgotten, Names


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        yield database


def test_a_name_has_one_id_in_the_order_of_the_names(connection: sqlite3.Connection) -> None:
    tags = Names(connection, "tag")
    assert tags.ids(["b", "a", "b"]) == [1, 2, 1]
    assert tags.ids(["a", "c"]) == [2, 3]
    assert tags.ids([]) == []
    assert connection.execute("SELECT id, name FROM tag").fetchall() == [(1, "b"), (2, "a"), (3, "c")]


def test_a_forgotten_name_keeps_its_id(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ptmtorrent_scrapy.exports.sqlite.names._REMEMBERED", 4)
    tags = Names(connection, "tag")
    first = [tags.ids([f"t{n}", f"t{n + 1}"]) for n in range(100)]
    assert first == [[n + 1, n + 2] for n in range(100)]
    assert tags.ids([f"t{n}" for n in range(101)]) == [n + 1 for n in range(101)]


def test_the_set_of_forgotten_names_has_each_of_them() -> None:
    forgotten = Forgotten()
    assert "a" not in forgotten
    for n in range(1000):
        forgotten.add(f"t{n}")
    assert all(f"t{n}" in forgotten for n in range(1000))
    assert sum(f"other-{n}" in forgotten for n in range(1000)) < 10
