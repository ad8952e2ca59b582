"""The branches and tags of a clone that follow its server's, and those that upstream has rewritten.

A branch or tag that upstream removes, or moves so that commits are lost, stays reachable as
`refs/rewritten/TIME/BRANCH` or `refs/rewritten/tags/TIME/TAG`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ptmtorrent_scrapy.git import packed_refs
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.refs import HEADS, TAGS, Head, ServerRefs
from ptmtorrent_scrapy.storage.atomic import write

REMOTE = "refs/remotes/origin/"
REWRITTEN = "refs/rewritten/"
LOCAL = "refs/local/"  # commits of users that no other reference has
MANY = 500  # more references are written into one file
# a branch named HEAD would move the target of HEAD
REFSPECS = (f"+{HEADS}*:{REMOTE}*", f"^{HEADS}HEAD", f"+{TAGS}*:{TAGS}*")
_REMOTE_HEAD = f"{REMOTE}HEAD"
_BEFORE = "ptmtorrent-refs"  # in .git: references as they were before a fetch that has not ended


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """The references of a clone that follow its server's. All methods raise `GitError`."""

    git: Command
    clone: Path
    tags: frozenset[str] | None = (
        None  # the server's tags at the last check, None if unknown; other tags are the user's
    )

    def is_same(self, server: ServerRefs) -> bool:
        """Return whether the clone's remote branches, tags and HEAD equal the server's."""
        if (self.clone / ".git" / _BEFORE).exists() or self._followed() != _tracked(server):
            return False
        return server.head is None or server.head in server.branches.values() or self.has(server.head)

    def prepare(self, server: ServerRefs) -> dict[str, str | None]:
        """Note which references a fetch will move or remove; return these and new ones with their new objects.

        If they are few, they are removed at once, since they may block names that git needs.
        """
        before, after = self._followed(), _tracked(server)
        moved = [(name, oid) for name, oid in before.items() if after.get(name) != oid]
        if moved:
            noted = self._noted()
            write(self.clone / ".git" / _BEFORE, _lines(dict.fromkeys([*noted, *moved])))
        changes: dict[str, str | None] = {name: oid for name, oid in after.items() if before.get(name) != oid}
        changes |= {name: None for name in before if name not in after}
        if len(changes) <= MANY:
            self.change({name: None for name, oid in changes.items() if oid is None})
        return changes

    def change(self, changes: Mapping[str, str | None]) -> None:
        """Set references to objects, and remove those with None: all of them or none."""
        if len(changes) > MANY:
            packed_refs.write(self.git, self.clone, changes)
        else:
            self.update(f"update {name} {oid}" if oid else f"delete {name}" for name, oid in changes.items())

    def conclude(self, server: ServerRefs) -> None:
        """Keep commits that a fetch has lost, even a killed one, and let `origin/HEAD` name the default branch."""
        noted = self._noted()
        if noted:
            self._keep(noted)
            (self.clone / ".git" / _BEFORE).unlink()
        self._set_head(server)

    def newest(self, hub_commit: str | None) -> Head | None:
        """Return the hub's commit if the clone has it, else that of the newest branch or tag, else None."""
        if hub_commit and self.has(hub_commit):
            return Head(None, hub_commit)
        newest = ("--count=1", "--sort=-creatordate", "--format=%(objectname) %(refname)")
        for prefix in (REMOTE, TAGS):
            for oid, name in self._listed(*newest, prefix):
                branch = name.removeprefix(REMOTE) if prefix == REMOTE else None
                return Head(branch, self._commit(oid))
        return None

    def moment(self) -> str:
        """Return a new name for kept references."""
        base = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        tops = [f"{top}{base}*" for top in (REWRITTEN, f"{REWRITTEN}tags/", LOCAL)]
        taken = [name for _, name in self._listed("--format=%(objectname) %(refname)", *(f"{top}/**" for top in tops))]
        return f"{base}-{len(taken)}" if taken else base

    def lost(self, commits: Iterable[str]) -> set[str]:
        """Return the commits that no branch or tag of the server and no kept reference reaches."""
        candidates = set(commits)
        if not candidates:
            return set()
        others = ("--remotes=origin", "--tags", f"--glob={REWRITTEN}*", f"--glob={LOCAL}*")
        stdin = "".join(f"{commit}\n" for commit in candidates).encode()
        found = self.git.run("git", "rev-list", "--stdin", "--not", *others, cwd=self.clone, stdin=stdin)
        return candidates.intersection(found.decode().split())

    def local_branches(self) -> dict[str, str]:
        """Return the commits of the clone's own branches by their names."""
        listed = self._listed("--format=%(objectname) %(refname)", HEADS)
        return {name.removeprefix(HEADS): oid for oid, name in listed}

    def update(self, commands: Iterable[str]) -> None:
        """Run commands of git-update-ref(1) as one transaction, if there are any."""
        if stdin := b"".join(os.fsencode(f"{command}\n") for command in commands):
            self.git.run("git", "update-ref", "--no-deref", "--stdin", cwd=self.clone, stdin=stdin)

    def _followed(self) -> dict[str, str]:
        """Return the objects of the references that track the server."""
        listed = self._listed("--format=%(objectname) %(refname)", REMOTE, TAGS)
        return {name: oid for oid, name in listed if name != _REMOTE_HEAD and self._is_followed(name)}

    def _is_followed(self, name: str) -> bool:
        return self.tags is None or not name.startswith(TAGS) or name.removeprefix(TAGS) in self.tags

    def _keep(self, noted: Iterable[tuple[str, str]]) -> None:
        """Keep the previous tags, and those branches whose commits are lost."""
        now = self._followed()
        gone = [(name, oid) for name, oid in noted if now.get(name) != oid]
        branches = [(name, oid) for name, oid in gone if name.startswith(REMOTE)]
        lost = self.lost(oid for _, oid in branches)
        kept = [(name.removeprefix(REMOTE), oid) for name, oid in branches if oid in lost]
        tags = [(f"tags/{{}}/{name.removeprefix(TAGS)}", oid) for name, oid in gone if name.startswith(TAGS)]
        names = [(f"{{}}/{name}", oid) for name, oid in kept] + tags
        if names:
            moment = self.moment()
            for number, layer in enumerate(compatible(names)):
                time = f"{moment}-{number}" if number else moment
                self.change({f"{REWRITTEN}{name.replace('{}', time, 1)}": oid for name, oid in layer})

    def _noted(self) -> list[tuple[str, str]]:
        """Return the (name, object) pairs that were noted before a fetch."""
        try:
            lines = os.fsdecode((self.clone / ".git" / _BEFORE).read_bytes()).split("\n")
        except FileNotFoundError:
            return []
        return [(name, oid) for oid, _, name in (line.partition(" ") for line in lines) if name]

    def _set_head(self, server: ServerRefs) -> None:
        head = self.clone / ".git" / _REMOTE_HEAD
        default = server.branch if server.branch in server.branches else None
        now = os.fsdecode(head.read_bytes()).strip() if head.is_file() else None
        if default and now != f"ref: {REMOTE}{default}":
            self.git.run("git", "symbolic-ref", _REMOTE_HEAD, f"{REMOTE}{default}", cwd=self.clone)
        elif default is None and now is not None and now.startswith("ref: "):
            self.git.run("git", "symbolic-ref", "--delete", _REMOTE_HEAD, cwd=self.clone)

    def _listed(self, *arguments: str) -> Iterator[tuple[str, str]]:
        """Yield (object, name) of references, from git-for-each-ref(1)."""
        output = self.git.run("git", "for-each-ref", *arguments, cwd=self.clone)
        for line in os.fsdecode(output).split("\n")[:-1]:
            oid, _, name = line.partition(" ")
            yield oid, name

    def has(self, commit: str) -> bool:
        """Return whether the clone has a commit."""
        stdin = f"{commit}^{{commit}}\n".encode()
        return not self.git.run("git", "cat-file", "--batch-check", cwd=self.clone, stdin=stdin).endswith(b"missing\n")

    def _commit(self, oid: str) -> str | None:
        """Return the commit that an object is or, as a tag, leads to."""
        stdin = f"{oid}^{{commit}}\n".encode()
        found = self.git.run("git", "cat-file", "--batch-check", cwd=self.clone, stdin=stdin).decode().split()
        return found[0] if found[1:2] == ["commit"] else None


def compatible(names: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Divide (name, object) pairs so that within a part no name repeats or is a folder of another.

    >>> [[name for name, _ in layer] for layer in compatible([("a", "1"), ("a/b", "2"), ("c", "3")])]
    [['a', 'c'], ['a/b']]
    """
    layers: list[_Layer] = []
    for name, oid in names:
        parts = name.split("/")
        folders = {"/".join(parts[:length]) for length in range(1, len(parts))}
        layer = next((each for each in layers if each.takes(name, folders)), None)
        if layer is None:
            layers.append(layer := _Layer())
        layer.pairs[name] = oid
        layer.folders |= folders
    return [list(layer.pairs.items()) for layer in layers]


@dataclass
class _Layer:
    """References whose names do not exclude each other."""

    pairs: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def takes(self, name: str, folders: set[str]) -> bool:
        return name not in self.pairs and name not in self.folders and self.pairs.keys().isdisjoint(folders)


def _tracked(server: ServerRefs) -> dict[str, str]:
    """Return the clone's references for those of its server."""
    branches = {f"{REMOTE}{name}": oid for name, oid in server.branches.items()}
    return branches | {f"{TAGS}{name}": oid for name, oid in server.tags.items()}


def _lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    return os.fsencode("".join(f"{oid} {name}\n" for name, oid in pairs))
