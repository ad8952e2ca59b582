"""Problems of a data tree: their kinds, and which of them a download repairs."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.snapshots import crawl_log
from ptmtorrent_scrapy.storage.tree import DataTree


class Kind(StrEnum):
    """What is wrong, or worth knowing, as `scrapy verify` prints it."""

    CLONE_MISSING = "clone missing"
    CLONE_DAMAGED = "clone damaged"
    CLONE_MOVED = "clone moved"
    WORKTREE = "worktree"  # a file of the working tree is changed or gone
    OBJECT_MISSING = "object missing"
    OBJECT_DAMAGED = "object damaged"
    LINK = "link"  # a large file in the working tree is not its stored object
    SECOND_COPY = "second copy"
    RECORDS = "records"
    RECORD = "record"
    METADATA = "metadata"
    LINE = "line"  # of a file of JSON lines
    STRAY = "stray"
    UNUSED = "unused"
    WORK_IN_PROGRESS = "work in progress"
    OTHER_OWNER = "other owner"
    LOCAL_CHANGES = "local changes"


# Kinds that a repair removes, and kinds that are not problems.
_REPAIRABLE = (
    *(Kind.CLONE_MISSING, Kind.CLONE_DAMAGED, Kind.CLONE_MOVED, Kind.WORKTREE),
    *(Kind.OBJECT_MISSING, Kind.OBJECT_DAMAGED, Kind.LINK, Kind.SECOND_COPY),
)
_NOTES = (
    *(Kind.UNUSED, Kind.WORK_IN_PROGRESS, Kind.OTHER_OWNER, Kind.LOCAL_CHANGES),
    Kind.SECOND_COPY,
)

UNNAMED = "not recorded yet, because the last crawl did not finish; the next crawl records it"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A problem or a note."""

    hub: str
    kind: Kind
    path: str  # below the hub's folder
    detail: str
    folder: str | None = None  # AUTHOR/MODEL of the clone concerned

    @property
    def is_fault(self) -> bool:
        """Return whether it is a problem and not a note."""
        return self.kind not in _NOTES

    @property
    def is_repairable(self) -> bool:
        """Return whether a repair removes it."""
        return self.kind in _REPAIRABLE

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, as `scrapy verify --json` prints it."""
        shown = {name: value for name, value in asdict(self).items() if name != "folder"}
        return {**shown, "fault": self.is_fault, "repairable": self.is_repairable}

    def __str__(self) -> str:
        return printable(f"{self.hub}: {self.kind}: {self.path}: {self.detail}")


Report = Callable[[Finding], None]


def at(tree: DataTree, kind: Kind, path: Path, detail: str) -> Finding:
    """Return a problem of a file or folder."""
    return Finding(hub=tree.hub, kind=kind, path=path.relative_to(tree.folder).as_posix(), detail=detail)


def left_over(tree: DataTree, path: Path) -> Finding:
    """Return the finding for a temporary file that no running crawl uses."""
    return at(tree, Kind.WORK_IN_PROGRESS, path, "was left by a crawl; the next one uses or removes it")


def stray(tree: DataTree, path: Path) -> Finding:
    """Return the finding for a file or folder that no index refers to."""
    return at(tree, Kind.STRAY, path, "not referenced by any index")


def is_sampled(name: str | bytes, share: float) -> bool:
    """Return whether a name is in a share of all names, always the same share.

    >>> is_sampled("anything", 1.0), is_sampled("anything", 0.0)
    (True, False)
    """
    data = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    return int.from_bytes(hashlib.blake2b(data, digest_size=6).digest(), "big") < share * (1 << 48)


def was_cut(tree: DataTree) -> bool:
    """Return whether the last crawl was killed or stopped: its clones may be newer than repositories.jsonl."""
    return tree.begun.exists() or crawl_log.last(tree).get("reason", "finished") != "finished"
