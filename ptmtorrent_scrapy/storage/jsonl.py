"""JSON lines: one object per line."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.storage.json_reading import bounded_lines

logger = logging.getLogger(__name__)


def json_lines(path: Path, fields: dict[str, type]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; lines that lack one of the fields are logged and skipped."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for number, line in bounded_lines(file):
            value = json_object(line)
            if value is not None and all(isinstance(value.get(name), kind) for name, kind in fields.items()):
                yield value
            else:
                logger.warning("%s: line %d cannot be read and is skipped", path, number)


def json_object(text: bytes) -> dict[str, Any] | None:
    """Return the object of a JSON text; None for another text.

    >>> json_object(b'{"url": "x"}'), json_object(b"[]"), json_object(b"{")
    ({'url': 'x'}, None, None)
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
