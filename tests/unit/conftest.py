"""Fixtures of the tests without a crawl."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

_opened: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def close_databases() -> Iterator[None]:
    """Close the databases of a test: later versions of Python warn about open ones."""
    yield
    while _opened:
        _opened.pop().close()


def open_database(path: str | Path = ":memory:") -> sqlite3.Connection:
    """Open a database, which is closed after the test."""
    _opened.append(sqlite3.connect(path))
    return _opened[-1]
