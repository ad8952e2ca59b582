"""Find a data tree of another user, as on a volume, on a network file system or after a copy by root."""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path


def other_owner(folders: Iterable[Path]) -> str | None:
    """Return a message about the first existing folder that belongs to another user; None if all are ours."""
    for folder in folders:
        if folder.exists() and (owner := folder.stat().st_uid) != os.geteuid():
            return f"{folder.name} belongs to {user(owner)}, but this program runs as {user(os.geteuid())}"
    return None


def user(number: int) -> str:
    """Return a user's name, if known, and number."""
    try:
        return f"user {pwd.getpwuid(number).pw_name} ({number})"
    except KeyError:
        return f"user {number}"
