"""What can be wrong with a data tree."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.storage.tree import DataTree

# What a new download can mend, and what is no fault.
_REPAIRABLE = ("clone missing", "clone damaged", "clone moved", "worktree", "object missing", "object damaged", "link")
_NOTES = ("unused", "work in progress", "other owner")

UNNAMED = "the last crawl was killed before it told of it; the next one does"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, or worth knowing."""

    hub: str
    kind: str
    path: str  # below the hub's folder
    detail: str
    folder: str | None = None  # AUTHOR/MODEL of the clone that it is about

    @property
    def is_fault(self) -> bool:
        """Whether it is more than worth knowing."""
        return self.kind not in _NOTES

    @property
    def is_repairable(self) -> bool:
        """Whether a new download can mend it."""
        return self.kind in _REPAIRABLE

    def to_json(self) -> dict[str, Any]:
        """As a program reads it."""
        told = {name: value for name, value in asdict(self).items() if name != "folder"}
        return {**told, "fault": self.is_fault, "repairable": self.is_repairable}

    def __str__(self) -> str:
        said = f"{self.hub}: {self.kind}: {self.path}: {self.detail}"
        return printable(said)


Report = Callable[[Finding], None]


def at(tree: DataTree, kind: str, path: Path, detail: str) -> Finding:
    """What is wrong with a file or folder."""
    return Finding(hub=tree.hub, kind=kind, path=path.relative_to(tree.folder).as_posix(), detail=detail)


def left_over(tree: DataTree, path: Path) -> Finding:
    """That work in progress stands where nobody works."""
    return at(tree, "work in progress", path, "was left by a crawl; the next one uses or removes it")


def stray(tree: DataTree, path: Path) -> Finding:
    """That nothing names a file or folder."""
    return at(tree, "stray", path, "nothing names it")


def is_sampled(name: str | bytes, share: float) -> bool:
    """Whether a name is of those that a share looks at: the same ones each time.

    >>> is_sampled("anything", 1.0), is_sampled("anything", 0.0)
    (True, False)
    """
    data = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    return int.from_bytes(hashlib.blake2b(data, digest_size=6).digest(), "big") < share * (1 << 48)


def was_cut(tree: DataTree) -> bool:
    """Whether the last crawl was killed: its clones may be further than repositories.jsonl tells."""
    return tree.begun.exists()
