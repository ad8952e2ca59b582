"""`json/crawls.jsonl`: a line a crawl, also of one that was killed."""

import logging
import os
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.storage.atomic import write
from ptmtorrent_scrapy.storage.fsync import sync_paths
from ptmtorrent_scrapy.storage.tree import DataTree

logger = logging.getLogger(__name__)

KILLED = "killed"


def begin(tree: DataTree, line: dict[str, Any]) -> None:
    """Note that a crawl has begun, once the line of one before it is written that did not come to that."""
    if (left := _left(tree.begun)) is not None and left["started"] != _last(tree.crawls).get("started"):
        append(tree.crawls, left)
    note(tree, line)


def note(tree: DataTree, line: dict[str, Any]) -> None:
    """What the next crawl is to write of this one, if this one does not come to it."""
    write(tree.begun, orjson.dumps({**line, "reason": KILLED}) + b"\n")


def end(tree: DataTree, line: dict[str, Any]) -> None:
    """Add the line of a crawl that has ended."""
    append(tree.crawls, line)
    tree.begun.unlink(missing_ok=True)


def append(path: Path, line: dict[str, Any]) -> None:
    """Add a line, and bring it to the disk; the half line of a writer that was killed makes way for it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        text = file.read()
        whole = text.rfind(b"\n") + 1
        end_missing = _value(text[whole:]) is not None
        file.seek(len(text) if end_missing else whole)
        file.truncate()
        file.write(b"\n" * end_missing + orjson.dumps(line) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_paths([path.parent])


def _left(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    line = _value(text)
    if line is None or not isinstance(line.get("started"), str):
        logger.warning("%s cannot be read: the crawl before this one gets no line", path)
        return None
    return line


def _last(path: Path) -> dict[str, Any]:
    """The last line; an empty one, if there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    return (_value(lines[-1]) if lines else None) or {}


def _value(text: bytes) -> dict[str, Any] | None:
    """The object that a text is, if it is one."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
