"""`json/crawls.jsonl`: one line per crawl, also for one that was killed."""

import logging
import os
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.storage.atomic import write
from ptmtorrent_scrapy.storage.fsync import sync_paths
from ptmtorrent_scrapy.storage.jsonl import json_object
from ptmtorrent_scrapy.storage.tree import DataTree

logger = logging.getLogger(__name__)

KILLED = "killed"


def begin(tree: DataTree, line: dict[str, Any]) -> None:
    """Note that a crawl has started; if the previous one was killed, write its line first."""
    if (left := _left(tree.begun)) is not None and left["started"] != _last(tree.crawls).get("started"):
        append(tree.crawls, left)
        logger.info("the previous crawl, started at %s, was killed", left["started"])
    note(tree, line)


def note(tree: DataTree, line: dict[str, Any]) -> None:
    """Write the line that the next crawl adds to the log if this crawl is killed."""
    write(tree.begun, orjson.dumps({**line, "reason": KILLED}) + b"\n")


def end(tree: DataTree, line: dict[str, Any]) -> None:
    """Add the line of an ended crawl."""
    append(tree.crawls, line)
    tree.begun.unlink(missing_ok=True)


def append(path: Path, line: dict[str, Any]) -> None:
    """Append a line and sync it to the disk; the incomplete line of a killed writer is removed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        text = file.read()
        complete = text.rfind(b"\n") + 1
        end_missing = json_object(text[complete:]) is not None
        file.seek(len(text) if end_missing else complete)
        file.truncate()
        file.write(b"\n" * end_missing + orjson.dumps(line) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_paths([path.parent])


def last(tree: DataTree) -> dict[str, Any]:
    """Return the line of the last crawl, also of one that was killed; an empty one if there is none."""
    try:
        return json_object(tree.begun.read_bytes()) or _last(tree.crawls)
    except FileNotFoundError:
        return _last(tree.crawls)


def _left(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    line = json_object(text)
    if line is None or not isinstance(line.get("started"), str):
        logger.warning("%s cannot be read; the previous crawl will be missing from crawls.jsonl", path)
        return None
    return line


def _last(path: Path) -> dict[str, Any]:
    """Return the object of the last line; an empty one if there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    return (json_object(lines[-1]) if lines else None) or {}
