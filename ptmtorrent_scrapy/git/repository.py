"""A repository to have, and what became of it: plain data, for any `Executor`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDING = ("cloned", "updated", "current", "partial")  # statuses after which the clone is what was wanted of it


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository to have, and how."""

    url: str
    path: str  # where the clone shall stand
    store: str  # folder of the large files, shared
    commit: str | None = None  # HEAD, as the hub tells it
    gated: bool = False  # the hub says that access is restricted
    lfs: str = "auto"  # auto, all, none or the largest size in bytes
    lfs_files: str = "link"  # link, copy or pointer
    timeout: int = 3600  # seconds without progress
    protocols: tuple[str, ...] = ("https",)
    configuration: Mapping[str, str] = field(default_factory=dict)
    token: tuple[str, str] | None = field(default=None, repr=False)  # base URL and token
    read: tuple[str, ...] = ()  # files to return the content of
    scope: str = ""  # what `process.cancel` is told to end it


@dataclass(kw_only=True)
class Outcome:
    """What became of a repository: one line of repositories.jsonl, but for `files`."""

    url: str
    path: str | None = None
    commit: str | None = None
    branch: str | None = None
    status: str = "failed"
    error: str | None = None
    attempts: int = 1
    started: str = ""  # RFC 3339
    seconds: float = 0.0
    git_bytes: int = 0  # on disk, without the working tree
    lfs_objects: int = 0  # large files of the commit that are there
    lfs_bytes: int = 0  # their size
    files: dict[str, bytes] = field(default_factory=dict)
