"""JSON lines: one object per line."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

logger = logging.getLogger(__name__)


def json_lines(path: Path, wanted: dict[str, type]) -> Iterator[dict[str, Any]]:
    """The objects of a file, one a line; a line that is none, or lacks a field that is wanted, is told and left out."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                value = orjson.loads(line)
            except ValueError:
                value = None
            if isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in wanted.items()):
                yield value
            else:
                logger.warning("%s: line %d cannot be read and is left out", path, number)
