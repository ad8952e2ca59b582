"""What can go wrong with a repository.

GitError
 ├── Stalled     no progress for longer than allowed
 ├── Cancelled   the crawl ends
 ├── Refused     unsafe: a URL, a name or an object that git must not touch
 ├── Gated       access is restricted
 └── Missing     no such repository
"""


class GitError(Exception):
    """A repository that could not be had; the message is one line for the user."""


class Stalled(GitError):
    """No progress for longer than allowed."""


class Cancelled(GitError):
    """The crawl that wanted the repository ends."""


class Refused(GitError):
    """Unsafe: a URL, a name or an object that must not be touched."""


class Gated(GitError):
    """Access to the repository is restricted."""


class Missing(GitError):
    """There is no such repository."""
