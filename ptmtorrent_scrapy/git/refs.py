"""Branches and tags on a server, and the commit that a clone should have."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

HEADS = "refs/heads/"
TAGS = "refs/tags/"
_NOT_IN_NAMES = re.compile(r"[\0-\40\177~^:?*\[\\]|\.\.|@\{")
_DEFAULTS = ("main", "master")  # likely names of a default branch that HEAD does not name


class Head(NamedTuple):
    """The actual or wanted HEAD of a clone; `branch` is None if it is detached, `commit` if there is none."""

    branch: str | None
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class ServerRefs:
    """The references of a repository on its server."""

    branch: str | None  # that HEAD names; it need not exist
    head: str | None  # commit of HEAD
    branches: Mapping[str, str]  # commits by name
    tags: Mapping[str, str]  # objects by name, of annotated tags the tag object

    def target(self, hub_commit: str | None) -> Head | None:
        """Return the HEAD that a clone should have; None if only the commits themselves can decide.

        That is HEAD, else a branch at the commit that the hub names, else the only branch.
        """
        if self.head:
            return Head(self.branch or self._branch_at(self.head), self.head)
        if hub_commit and (branch := self._branch_at(hub_commit)):
            return Head(branch, hub_commit)
        if len(self.branches) == 1:
            return Head(*next(iter(self.branches.items())))
        return None

    @property
    def is_empty(self) -> bool:
        """Return whether the repository has no commits at all."""
        return not (self.head or self.branches or self.tags)

    def _branch_at(self, commit: str) -> str | None:
        """Return a branch at a commit, as git guesses it."""
        found = [name for name, at in self.branches.items() if at == commit]
        return next((name for name in (*_DEFAULTS, *found) if name in found), None)


def _is_usable(name: str) -> bool:
    """Return whether git takes the name of a reference, as git-check-ref-format(1) has it; it ignores others.

    >>> _is_usable("refs/heads/a/b.c"), _is_usable("refs/heads/../x"), _is_usable("refs/heads/a.lock/b")
    (True, False, False)
    """
    is_broken = _NOT_IN_NAMES.search(name) or name.endswith(".")
    return not is_broken and all(part and part[0] != "." and not part.endswith(".lock") for part in name.split("/"))


def parse(listing: bytes) -> ServerRefs:
    """Parse the output of `git ls-remote --symref`."""
    branch = head = None
    branches: dict[str, str] = {}
    tags: dict[str, str] = {}
    for line in os.fsdecode(listing).split("\n"):
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: "):
            branch = value.removeprefix(f"ref: {HEADS}") if value.startswith(f"ref: {HEADS}") else None
        elif name == "HEAD":
            head = value
        elif not _is_usable(name):
            continue
        elif name.startswith(HEADS):
            branches[name.removeprefix(HEADS)] = value
        elif name.startswith(TAGS):  # `v1^{}`, the target of an annotated tag, is not a reference
            tags[name.removeprefix(TAGS)] = value
    branches.pop("HEAD", None)  # in a clone it would be mistaken for the target of HEAD
    return ServerRefs(branch=branch, head=head, branches=branches, tags=tags)
