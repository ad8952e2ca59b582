"""The branches and tags of a clone, as its server had them at the last crawl."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from git import Remote, RemoteReference, Repo, TagReference

from ptmtorrent_scrapy.git.command import Command

_REMOTE, _TAGS = "refs/remotes/origin/", "refs/tags/"
_LIST = ("git", "for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", _REMOTE, _TAGS)


class CloneRef(NamedTuple):
    """A branch or a tag."""

    kind: str  # branch or tag
    name: str
    target: str  # the commit; of a tag for something else, that object

    @property
    def full_name(self) -> str:
        """Return its name on the server."""
        return f"refs/heads/{self.name}" if self.kind == "branch" else f"{_TAGS}{self.name}"


def clone_refs(clone: Path, git: Command) -> list[CloneRef]:
    """Return the branches and tags of a clone, ordered by name. Raise `GitError`."""
    try:
        return list(_read(clone, git))
    except Exception:  # GitPython cannot read names that are not UTF-8, nor SHA-256 ids
        return list(_listed(clone, git))


def _read(clone: Path, git: Command) -> Iterator[CloneRef]:
    """Read the references with GitPython, which starts git for annotated tags only: half the time of a command."""
    with Repo(clone) as repository:
        repository.git.update_environment(**git.environment)
        for branch in RemoteReference.iter_items(repository, remote=Remote(repository, "origin")):
            if branch.remote_head != "HEAD":
                yield CloneRef("branch", branch.remote_head, branch.dereference_recursive(repository, branch.path))
        for tag in repository.tags:
            yield CloneRef("tag", tag.name, _tagged(tag))


def _tagged(tag: TagReference) -> str:
    """Return the object that a tag leads to, through any tags in between."""
    target = tag.object
    while target.type == "tag":
        target = target.object
    return target.hexsha


def _listed(clone: Path, git: Command) -> Iterator[CloneRef]:
    for line in git.run(*_LIST, cwd=clone).split(b"\n"):
        ref, _, targets = os.fsdecode(line).partition("\0")
        target, _, peeled = targets.partition("\0")
        kind, prefix = ("tag", _TAGS) if ref.startswith(_TAGS) else ("branch", _REMOTE)
        name = ref.removeprefix(prefix)
        if target and (kind, name) != ("branch", "HEAD"):
            yield CloneRef(kind, name, peeled or target)
