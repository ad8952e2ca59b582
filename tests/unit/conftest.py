"""What the tests without a crawl share."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

_opened: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def close_databases() -> Iterator[None]:
    """Close what a test has opened: later versions of Python warn of it."""
    yield
    while _opened:
        _opened.pop().close()


def open_database(path: str | Path = ":memory:") -> sqlite3.Connection:
    """Open a database, which is closed after the test."""
    _opened.append(sqlite3.connect(path))
    return _opened[-1]
