"""The request for a clone and its result: plain data, so that any `Executor` can carry it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class LfsMode(StrEnum):
    """Choice of the large files to fetch; a size limit is the alternative."""

    AUTO = "auto"  # those that a plain clone gets
    ALL = "all"
    NONE = "none"


class LfsPlacement(StrEnum):
    """What a large file is in the working tree of a clone."""

    LINK = "link"  # to the stored object
    COPY = "copy"
    POINTER = "pointer"


class ChangedFiles(StrEnum):
    """What to do with a user's changed files that an update would overwrite."""

    BLOCK = "block"  # do not change the clone
    KEEP = "keep"  # write them again afterwards
    REPLACE = "replace"  # only keep them as a commit


class CloneStatus(StrEnum):
    """The result of a clone, as `status` in repositories.jsonl."""

    CLONED = "cloned"
    UPDATED = "updated"
    CURRENT = "current"
    PARTIAL = "partial"  # some LFS objects are unavailable
    EMPTY = "empty"
    GATED = "gated"
    MISSING = "missing"
    REFUSED = "refused"  # unsafe, or closed by the hub
    LARGE = "large"
    FAILED = "failed"


class FailureKind(StrEnum):
    """The consequence of a failure for the rest of the crawl."""

    RETRY = "retry"  # may succeed later: try this repository again
    HOST = "host"  # the host is overloaded or does not answer: pause all its repositories
    DISK_FULL = "disk full"  # ends the crawl
    LACKS_ROOM = "lacks room"  # some LFS files do not fit on the disk; the others may
    LOCAL_CHANGES = "local changes"  # a user's changes block the update of this clone
    BUDGET = "budget"  # more bytes than the crawl may still download
    DISK = "disk"  # the tree's file system fails (read-only, I/O error, stale): ends the crawl
    MACHINE = "machine"  # git or git-lfs does not run on this machine: ends its work
    INTERNAL = "internal"  # a bug of this program


# Statuses after which a usable clone exists.
USABLE = (CloneStatus.CLONED, CloneStatus.UPDATED, CloneStatus.CURRENT, CloneStatus.PARTIAL, CloneStatus.LARGE)
# Statuses of a clone that has everything that was wanted.
COMPLETE = (CloneStatus.CLONED, CloneStatus.UPDATED, CloneStatus.CURRENT)
# Statuses of a repository that the hub lists and nobody can clone, or not without a token.
UNAVAILABLE = (CloneStatus.MISSING, CloneStatus.EMPTY, CloneStatus.GATED)


@dataclass(frozen=True, kw_only=True)
class CloneRequest:
    """A repository to clone or update, and how."""

    url: str
    path: str  # folder of the clone
    store: str  # folder of the LFS objects, shared by the clones of a hub
    previous_path: str | None = None  # folder of the clone under the repository's previous name
    commit: str | None = None  # HEAD, if the hub provides it
    refresh: float | None = None  # seconds for which branches and tags count as compared; None: as long as HEAD
    changed_files: ChangedFiles = ChangedFiles.BLOCK  # something else for an explicit repair
    gated: bool = False  # the hub says that access is restricted
    lfs: str = LfsMode.AUTO  # auto, all, none or the largest size in bytes
    lfs_files: str = LfsPlacement.LINK
    mirrors: tuple[str, ...] = ()  # other LFS servers
    max_bytes: int | None = None  # of git and LFS objects; beyond it LFS files stay pointers
    budget: int | None = None  # bytes of LFS objects that may be downloaded
    min_free: int = 0  # bytes of the disk to keep free
    accept_partial: bool = True  # keep a clone whose LFS objects may become available later
    timeout: int = 3600  # seconds without progress
    min_rate: int = 1000  # bytes per second, below which a download makes no progress
    protocols: tuple[str, ...] = ("https",)
    trusted: tuple[str, ...] | None = None  # URLs of servers that may have private addresses; None: `url`, `mirrors`
    configuration: Mapping[str, str] = field(default_factory=dict)
    token: tuple[str, str] | None = field(default=None, repr=False)  # base URL and token
    user_agent: str = ""
    read_files: tuple[str, ...] = ()  # paths whose content is returned
    scope: str = ""  # `process.cancel` ends all commands of a scope
    crawl: str = ""  # name of the crawl; the clone notes that of the last crawl that changed it


@dataclass(kw_only=True)
class CloneResult:
    """The result of a clone: one line of repositories.jsonl, and further values for the crawl."""

    url: str
    path: str | None = None
    commit: str | None = None
    branch: str | None = None
    status: CloneStatus = CloneStatus.FAILED
    error: str | None = None
    attempts: int = 1
    started: str = ""  # RFC 3339
    seconds: float = 0.0
    git_bytes: int = 0  # on disk, without the working tree
    lfs_objects: int = 0  # LFS objects of the commit that are stored
    lfs_bytes: int = 0  # their size
    crawl: str | None = None  # the crawl that cloned or updated it
    # For the crawl only
    files: dict[str, bytes] = field(default_factory=dict)  # content of `read_files`
    lfs_skipped: int = 0  # LFS files that stay pointers because they were not requested
    downloaded_bytes: int = 0
    copied: bool = False  # LFS files could not be linked
    failure: FailureKind | None = None
    pause: float | None = None  # seconds that the host asks for
    needed: int | None = None  # bytes that exceeded the budget

    def line(self) -> dict[str, object]:
        """Return the object for repositories.jsonl."""
        return {name: getattr(self, name) for name in _LINE}


_LINE = (
    *("url", "path", "commit", "branch", "status", "error", "attempts", "started", "seconds"),
    *("git_bytes", "lfs_objects", "lfs_bytes", "crawl"),
)
