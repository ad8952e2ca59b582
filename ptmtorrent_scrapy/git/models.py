"""A repository to have, and what became of it: plain data, for any `Executor`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDING = ("cloned", "updated", "current", "partial", "large")  # statuses after which a clone stands as it should


@dataclass(frozen=True, kw_only=True)
class CloneRequest:
    """A repository to have, and how."""

    url: str
    path: str  # where the clone shall stand
    store: str  # folder of the large files, shared
    former: str | None = None  # where it stood under a name that it no longer has
    commit: str | None = None  # HEAD, as the hub tells it
    gated: bool = False  # the hub says that access is restricted
    lfs: str = "auto"  # auto, all, none or the largest size in bytes
    lfs_files: str = "link"  # link, copy or pointer
    mirrors: tuple[str, ...] = ()  # other servers of its large files
    largest: int | None = None  # bytes of git and large files, beyond which the latter stay pointers
    budget: int | None = None  # bytes of large files that may be fetched
    min_free: int = 0  # bytes of the disk that are to stay free
    settle: bool = True  # let a clone stand whose large files may come in a while
    timeout: int = 3600  # seconds without progress
    protocols: tuple[str, ...] = ("https",)
    configuration: Mapping[str, str] = field(default_factory=dict)
    token: tuple[str, str] | None = field(default=None, repr=False)  # base URL and token
    agent: str = ""  # who asks, for the servers' logs
    read: tuple[str, ...] = ()  # files to return the content of
    scope: str = ""  # what `process.cancel` is told to end it


@dataclass(kw_only=True)
class CloneResult:
    """What became of a repository: one line of repositories.jsonl, but for the last fields."""

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
    # For whoever wanted it
    files: dict[str, bytes] = field(default_factory=dict)
    left_out: int = 0  # large files of the commit that were not wanted
    fetched: int = 0  # bytes that came now
    copied: bool = False  # large files that should have been linked
    trouble: str | None = None  # again, host, space, room, budget or fault: what stands in the way now
    pause: float | None = None  # seconds for which the host wants to be left alone
    needed: int | None = None  # bytes that were over the budget

    def line(self) -> dict[str, object]:
        """What repositories.jsonl tells."""
        return {name: getattr(self, name) for name in _LINE}


_LINE = (
    *("url", "path", "commit", "branch", "status", "error", "attempts", "started", "seconds"),
    *("git_bytes", "lfs_objects", "lfs_bytes"),
)
