"""What can go wrong with a repository.

GitError
 ├── Cancelled      the crawl ends
 ├── Refused        unsafe: a URL, a name or an object that git must not touch
 ├── Gated          access is restricted
 ├── Missing        no such repository
 ├── Large          larger than allowed
 ├── NoSpace        the disk is full
 ├── OverBudget     more than the crawl may still fetch
 └── Transient      may go well in a while
      ├── Stalled      no progress for longer than allowed
      └── Unavailable  the host wants to be left alone, or does not answer at all
"""


class GitError(Exception):
    """A repository that could not be had; the message is one line for the user."""


class Cancelled(GitError):
    """The crawl that wanted the repository ends."""


class Refused(GitError):
    """Unsafe: a URL, a name or an object that must not be touched."""


class Gated(GitError):
    """Access to the repository is restricted."""


class Missing(GitError):
    """There is no such repository."""


class Large(GitError):
    """The repository is larger than allowed."""


class NoSpace(GitError):
    """The disk is full."""


class OverBudget(GitError):
    """More than the crawl may still fetch: so many bytes."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed

    def __str__(self) -> str:
        return f"its large files have {self.needed} bytes, more than may still be fetched"


class Transient(GitError):
    """What may go well in a while."""


class Stalled(Transient):
    """No progress for longer than allowed."""


class Unavailable(Transient):
    """A host that wants to be left alone, for `pause` seconds where it says so, or does not answer at all."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message, pause)
        self.pause = pause

    def __str__(self) -> str:
        return str(self.args[0])
