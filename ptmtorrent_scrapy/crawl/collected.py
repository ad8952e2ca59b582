"""The content of a hub's tree at the end of a crawl: bytes on disk, bytes shared, and why clones failed."""

import textwrap
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.git.models import USABLE
from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import DataTree

_SECONDS = len("2026-11-26T02:31:45")  # the precision of both times
_REASON = 100  # characters of a reason


@dataclass
class Collected:
    """The bytes of a hub's tree, and its repositories without a clone."""

    git_bytes: int = 0
    lfs_bytes: int = 0  # on disk, each object once
    shared_bytes: int = 0  # of objects in clones that another clone has as well
    failures: Counter[str] = field(default_factory=Counter)  # status and reason

    @property
    def disk_bytes(self) -> int:
        """Return the bytes of git and of large files, each large file once."""
        return self.git_bytes + self.lfs_bytes


def measure(tree: DataTree, since: str) -> Collected:
    """Return the bytes of the tree by kind, and why repositories tried since a time have no clone."""
    collected, named = Collected(), 0
    for line in json_lines(tree.repositories, {"url": str}):
        if line.get("path"):
            collected.git_bytes += _number(line.get("git_bytes"))
            named += _number(line.get("lfs_bytes"))
        if line.get("status") not in USABLE and str(line.get("started")) >= since[:_SECONDS]:
            reason = printable(str(line.get("error") or "")).replace(line["url"], "").strip(" :")
            reason = textwrap.shorten(reason, _REASON, placeholder=" ...")
            collected.failures[f"{line.get('status')}{f': {reason}' if reason else ''}"] += 1
    for folder in folders.walk(tree.store / "objects"):
        collected.lfs_bytes += sum(Path(folder.path, name).stat().st_size for name in folder.files)
    collected.shared_bytes = max(0, named - collected.lfs_bytes)
    return collected


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
