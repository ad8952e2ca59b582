"""JSON lines: one object per line."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

logger = logging.getLogger(__name__)


def json_lines(path: Path, wanted: dict[str, type]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines; lines without an object or a wanted field are logged and skipped."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                value = orjson.loads(line)
            except ValueError:
                value = None
            if isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in wanted.items()):
                yield value
            else:
                logger.warning("%s: line %d cannot be read and is skipped", path, number)
