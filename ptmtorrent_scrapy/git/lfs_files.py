"""The LFS files of one commit of a clone: those requested, downloaded and in the working tree."""

import os
import shutil
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.git import local, tree_files
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import GitError, NoSpace, OverBudget, Transient, Unavailable
from ptmtorrent_scrapy.git.lfs import attributes, own_storage, pointers, worktree
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.local import beside
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, FailureKind, LfsPlacement
from ptmtorrent_scrapy.git.remote import lfs_server, lfs_url

_WRONG = "the server's objects do not match the expected size or SHA-256"


class LfsFiles:
    """The LFS files of a commit; downloads and copies are noted in the result."""

    def __init__(self, request: CloneRequest, result: CloneResult, git: Command, clone: Path) -> None:
        self._request = request
        self._result = result
        self._git = git
        self._clone = clone
        self._store = Store(Path(request.store))
        self._error: GitError | None = None
        self.files: dict[bytes, Pointer] = {}  # all of the commit
        self.wanted: dict[bytes, Pointer] = {}  # those to download
        self.large: int | None = None  # bytes of a clone that is larger than allowed: its LFS files stay pointers

    def read(self, commit: str) -> None:
        """Find the LFS files of a commit, checked out or not. Raise `GitError`."""
        self.files = self._pointers(commit)
        wanted = pointers.wanted(self._git, self._clone, commit, self.files, self._request.lfs)
        size, most = sum(pointer.size for pointer in set(wanted.values())), self._request.max_bytes
        if wanted and most is not None and (size := size + local.size(self._clone / ".git")) > most:
            self.large = size
        else:
            self.wanted = wanted

    def download(self, commit: str) -> None:
        """Download the LFS files of the commit, from the mirrors if the repository's own server does not have them.

        Raise `NoSpace`, `OverBudget`, and `Transient` unless a partial clone is accepted.
        """
        self._store.set_damaged_aside(own_storage.not_linked(self._clone, self.wanted.values()))
        own_storage.give_back(self._clone, self.wanted, self._store)
        missing = self._store.missing(self.wanted.values())
        size = sum(pointer.size for pointer in missing)
        if self._request.budget is not None and size > self._request.budget:
            raise OverBudget(size)
        errors = self._download(self._fitting(missing))
        self._store.replace_damaged(self.wanted.values())
        left = self._store.missing(missing)
        self._result.downloaded_bytes += size - sum(pointer.size for pointer in left)
        error = next((error for error in (*errors, self._error) if left and error), None)
        self._error = error and self._with_other_server(commit, error)
        for error in errors if left else ():
            if isinstance(error, NoSpace) or (isinstance(error, Transient) and not self._request.accept_partial):
                raise error

    def place(self) -> None:
        """Put the stored objects into the working tree."""
        if self._request.lfs_files != LfsPlacement.POINTER:
            attributes.cover(self._clone, (path for path, each in self.wanted.items() if not each.is_covered))
            link = self._request.lfs_files == LfsPlacement.LINK
            self._result.copied = not worktree.place(self._clone, self.wanted, self._store, git=self._git, link=link)
        for pointer in own_storage.link_objects(self._clone, self.wanted.values(), self._store):
            self._store.note_checked(pointer.oid)  # a new link changes the noted status of the file

    def are_unchanged(self, state: Mapping[str, Any]) -> bool:
        """Return whether the store has the objects of a clone's state, as they were when they were placed."""
        return not any(self._has_changed(Pointer(oid, size), state) for oid, size in state["objects"].items())

    def mend(self, state: Mapping[str, Any]) -> int:
        """Download objects of a clone's state again that have changed since; return how many a user has written to.

        Call it before the clone's files are compared. Objects that cannot be downloaded stay unchanged.
        """
        objects = (Pointer(oid, size) for oid, size in state.get("objects", {}).items())
        changed = [each for each in objects if self._has_changed(each, state) and self._store.has_file(each)]
        if not changed:
            return 0
        self._fetch_again(changed)
        return self._replace_links(set(changed))

    def _fetch_again(self, changed: list[Pointer]) -> None:
        self._store.set_damaged_aside(changed)
        if missing := self._store.missing(changed):
            self._download(self._fitting(missing))
            self._store.replace_damaged(missing)
            for pointer in missing:
                self._store.put_back(pointer.oid)

    def _replace_links(self, changed: Container[Pointer]) -> int:
        """Replace the clone's links to files that somebody has written to; return their number."""
        files = self._pointers(local.head(self._clone).commit or "HEAD")
        wrong = {path: each for path, each in files.items() if each in changed and self._was_written(path, each)}
        if wrong:
            worktree.place(self._clone, wrong, self._store, git=self._git, link=True)
        return len(wrong)

    def _was_written(self, path: bytes, pointer: Pointer) -> bool:
        return self._store.was_written(pointer, Path(os.fsdecode(os.path.join(os.fsencode(self._clone), path))))

    def _has_changed(self, pointer: Pointer, state: Mapping[str, Any]) -> bool:
        """Return whether an object is missing or was written after the clone got it. Old states have no times."""
        written = self._store.written_at(pointer)
        return written is None or written > state.get("newest_object", written)

    def list_files(self, commit: str) -> int:
        """List the files of the commit, with the state of the LFS files; return the sum of their sizes."""
        return tree_files.write(self._git, self._clone, commit, self.files, self.stored)

    def upgrade(self, commit: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """Upgrade a complete clone of an earlier version; return the additions to its state."""
        self.files = pointers.of_commit(self._git, self._clone, commit)
        if not state.get("large"):
            self.wanted = pointers.wanted(self._git, self._clone, commit, self.files, state["lfs"])
        own_storage.link_objects(self._clone, self.wanted.values(), self._store)
        own_storage.separate(self._clone, self._git)
        objects = {pointer.oid: pointer.size for pointer in self.wanted.values()}
        return {"bytes": self.list_files(commit), "objects": objects}

    @property
    def missing(self) -> list[Pointer]:
        """Return the requested objects that are not stored."""
        return self._store.missing(self.wanted.values())

    @property
    def stored(self) -> dict[Pointer, int]:
        """Return the distinct requested objects that are stored, with the times when they were written."""
        times = ((pointer, self._store.written_at(pointer)) for pointer in dict.fromkeys(self.wanted.values()))
        return {pointer: written for pointer, written in times if written is not None}

    def state(self) -> dict[str, object]:
        """Return the part of the clone's state about its LFS files."""
        stored, missing = self.stored, self.missing
        return {
            "lfs": self._request.lfs,
            "lfs_files": self._request.lfs_files,
            "copied": self._result.copied,
            "error": self._unavailable(len(missing)) if missing else None,
            "large": self.large,
            "objects": {pointer.oid: pointer.size for pointer in stored},
            "newest_object": max(stored.values(), default=0),
            "assumed_unchanged": any(not pointer.is_canonical for pointer in self.wanted.values()),
            "lfs_skipped": len(self.files) - len(self.wanted),
            "lfs_objects": len(stored),
            "lfs_bytes": sum(pointer.size for pointer in stored),
        }

    def _unavailable(self, number: int) -> str:
        return f"{counted(number, 'LFS file is', 'LFS files are')} unavailable: {self._error or _WRONG}"

    def _download(self, fitting: list[Pointer]) -> list[GitError]:
        """Download objects from one server after the other; return why some are missing."""
        errors: list[GitError] = []
        for server in (self._request.url, *self._request.mirrors):
            if self._store.missing(fitting):
                scratch = beside(Path(self._request.path), "lfs")
                lfs = lfs_server(self._request, server)
                error = self._store.fetch(fitting, git=self._git, server=lfs, scratch=scratch)
                if isinstance(error, Unavailable) and server != self._request.url:
                    error = Transient(f"{server}: {error}")  # the pause is not that of the repository's own host
                errors += [error] if error else []
        return errors

    def _with_other_server(self, commit: str, error: GitError) -> GitError:
        """Return the error with the LFS server that the commit itself names, which is not used."""
        named = pointers.lfs_config(self._git, self._clone, commit).get("lfs.url")
        if not named or named == lfs_url(self._request.url):
            return error
        return GitError(f"{error}; its .lfsconfig names another LFS server ({named[:200]!r}), which is not used")

    def _fitting(self, missing: Iterable[Pointer]) -> list[Pointer]:
        """Return the objects for which the disk has enough space, smallest first."""
        disk = shutil.disk_usage(Path(self._request.path).parent)
        room, total = disk.free - self._request.min_free, 0
        fitting = []
        for pointer in sorted(missing, key=lambda pointer: pointer.size):
            total += pointer.size
            if total <= room:
                fitting.append(pointer)
        if total > room:
            self._error = GitError(f"they have {total} bytes, more than the {max(room, 0)} bytes available")
            if total <= disk.total:  # else they will never fit
                self._result.failure = FailureKind.LACKS_ROOM
        return fitting

    def _pointers(self, commit: str) -> dict[bytes, Pointer]:
        if commit == local.head(self._clone).commit:
            return pointers.of_commit(self._git, self._clone, commit)
        index = beside(Path(self._request.path), "index").resolve()
        other = replace(self._git, environment={**self._git.environment, "GIT_INDEX_FILE": str(index)})
        try:
            other.run("git", "read-tree", commit, cwd=self._clone)
            return pointers.of_commit(other, self._clone, commit)
        finally:
            index.unlink(missing_ok=True)
