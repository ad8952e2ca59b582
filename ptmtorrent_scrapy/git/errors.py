"""Errors of repositories.

GitError
 ├── Cancelled      the crawl ends
 ├── ProgramError   git or git-lfs is missing, too old or does not run
 ├── DiskError      the file system of the data tree fails
 ├── Refused        unsafe: a URL, a name or an object that git must not touch
 ├── LocalChanges   a user has changed files that an update would overwrite
 ├── Gated          access is restricted
 ├── Missing        no such repository
 ├── Large          larger than allowed
 ├── NoSpace        the disk is full
 ├── OverBudget     more than the crawl may still download
 └── Transient      may succeed later
      ├── Exhausted    this machine has no more open files or memory
      │    └── TooFewFiles   of open files
      ├── Stalled      no progress for longer than allowed
      │    └── TooSlow     fewer bytes per second than allowed
      └── Unavailable  the host is overloaded, or does not answer at all
"""


class GitError(Exception):
    """A repository could not be cloned or read; the message is one line for the user."""


class Cancelled(GitError):
    """The crawl that needs the repository ends."""


class ProgramError(GitError):
    """A program of this machine is missing, too old or does not run."""


class DiskError(GitError):
    """The file system of the data tree fails: it is read-only, gives I/O errors or is gone."""


class Refused(GitError):
    """A URL, a name or an object is unsafe and must not be used."""


class LocalChanges(GitError):
    """A user has changed files that an update would overwrite."""


class Gated(GitError):
    """Access to the repository is restricted."""


class Missing(GitError):
    """The repository does not exist, or its server has closed it permanently."""


class Large(GitError):
    """The repository is larger than allowed."""


class NoSpace(GitError):
    """The disk is full."""


class OverBudget(GitError):
    """The clone needs more bytes (`needed`) than the crawl may still download."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed

    def __str__(self) -> str:
        return f"its LFS files have {self.needed} bytes, more than may still be downloaded"


class Transient(GitError):
    """An operation that may succeed later."""


class Exhausted(Transient):
    """This machine has no more open files or memory."""


class TooFewFiles(Exhausted):
    """This machine allows too few open files."""

    def __init__(self) -> None:
        super().__init__(
            "this machine allows too few open files; raise the limit (ulimit -n) or lower CLONE_CONCURRENCY"
        )


class Stalled(Transient):
    """No progress for longer than allowed."""


class TooSlow(Stalled):
    """Fewer bytes per second than allowed."""


class Unavailable(Transient):
    """A host is overloaded (for `pause` seconds, if it says so) or does not answer."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message, pause)
        self.pause = pause

    def __str__(self) -> str:
        return str(self.args[0])
