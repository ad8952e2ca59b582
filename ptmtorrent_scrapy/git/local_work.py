"""Find a user's changes in the working tree of a clone that an update would overwrite."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import LocalChanges
from ptmtorrent_scrapy.git.lfs import pointers
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.storage.folders import walk

_NAMED = 3  # files in a message
_PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Change:
    """A path that differs between two commits; `kind` is a letter of git-diff-tree(1)."""

    kind: str
    path: bytes


def changes(git: Command, clone: Path, before: str | None, after: str) -> list[Change]:
    """Return the paths that differ between two commits; all of the second if the first is empty. Raise `GitError`."""
    if before == after:
        return []
    if before is None:
        listed = git.run("git", "ls-tree", "-r", "-z", "--name-only", "--full-tree", after, cwd=clone)
        return [Change(kind="A", path=path) for path in listed.split(b"\0")[:-1]]
    listed = git.run("git", "diff-tree", "-r", "-z", "--no-renames", "--name-status", before, after, cwd=clone)
    words = listed.split(b"\0")
    return [Change(kind=kind.decode(), path=path) for kind, path in zip(words[0::2], words[1::2], strict=False)]


class LocalWork:
    """Finds a user's work in a clone: files that differ from those that this program has written."""

    def __init__(self, git: Command, clone: Path, store: Store, *, interrupted: str | None) -> None:
        self._git = git
        self._clone = clone
        self._store = store
        self._interrupted = interrupted  # the commit of a checkout that was killed: it may have left parts of files

    def check(self, head: str | None, target: str, changed: Sequence[Change]) -> None:
        """Raise `LocalChanges` if moving from HEAD to another commit would overwrite a user's work."""
        if found := self.files(head, target, changed):
            named = ", ".join(path.decode("utf-8", "replace") for path in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            raise LocalChanges(f"local changes: {named}{more}; not updated. Move them away or commit them")

    def files(self, head: str | None, target: str, changed: Sequence[Change]) -> list[bytes]:
        """Return the files of a user that moving from HEAD to another commit would overwrite."""
        commits = [commit for commit in dict.fromkeys((head, target, self._interrupted)) if commit]
        suspects = dict.fromkeys([*self._modified(), *self._in_the_way(changed)])
        return self._foreign(list(suspects), commits)

    def _modified(self) -> Iterator[bytes]:
        """Yield tracked paths whose content differs from the index or the index from HEAD."""
        options = ("--porcelain", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")
        for entry in self._git.run("git", "--no-optional-locks", "status", *options, cwd=self._clone).split(b"\0"):
            path = entry[3:]
            if path and entry[:2].strip(b" D"):
                yield path
            elif path:
                yield from self._blocking(path)

    def _in_the_way(self, changed: Iterable[Change]) -> Iterator[bytes]:
        """Yield untracked paths at which the other commit has a file or folder."""
        removed = {change.path for change in changed if change.kind == "D"}
        for change in changed:
            if change.kind == "A":
                yield from (path for path in self._occupying(change.path) if path not in removed)

    def _occupying(self, path: bytes) -> Iterator[bytes]:
        """Yield what occupies the path of a file: the file, files in a folder of that name, or a file above it."""
        yield from self._blocking(path)
        mode = self._mode(path)
        if mode is not None and stat.S_ISDIR(mode):
            top = os.fsencode(self._clone) + b"/"
            for folder, _, names in walk(os.fsdecode(self._file(path))):
                yield from (os.fsencode(os.path.join(folder, name)).removeprefix(top) for name in names)
        elif mode is not None:
            yield path

    def _blocking(self, path: bytes) -> Iterator[bytes]:
        """Yield a file at the path of a folder above a path; a link there is not a user's work."""
        parts = path.split(b"/")
        for length in range(1, len(parts)):
            above = b"/".join(parts[:length])
            mode = self._mode(above)
            if mode is None or not stat.S_ISDIR(mode):
                if mode is not None and stat.S_ISREG(mode):
                    yield above
                return

    def _foreign(self, paths: Sequence[bytes], commits: Sequence[str]) -> list[bytes]:
        """Return the paths whose content is not in any of the commits."""
        present = [path for path in paths if self._mode(path) is not None]
        queries = [(path, commit) for path in present for commit in commits if b"\n" not in path]
        stdin = b"".join(commit.encode() + b":" + path + b"\n" for path, commit in queries)
        command = ("git", "cat-file", "--batch-check=%(objecttype) %(objectname)")
        answers = self._git.run(*command, cwd=self._clone, stdin=stdin) if stdin else b""
        blobs: dict[bytes, list[tuple[str, str]]] = {}
        for (path, commit), answer in zip(queries, answers.split(b"\n"), strict=False):
            if answer.startswith(b"blob "):
                blobs.setdefault(path, []).append((answer.removeprefix(b"blob ").decode(), commit))
        return [path for path in present if not self._is_known(path, blobs.get(path, []))]

    def _is_known(self, path: bytes, blobs: Sequence[tuple[str, str]]) -> bool:
        """Return whether a file is one of the blobs: unchanged, as git writes it, or as its LFS object."""
        file = self._file(path)
        mode = os.lstat(file).st_mode
        if not stat.S_ISREG(mode):  # git makes an empty folder for a submodule
            return stat.S_ISDIR(mode) and not os.listdir(file)
        if any(blob_id(file, oid) == oid for oid, _ in blobs):
            return True
        return any(self._is_written(file, path, commit) for _, commit in blobs)

    def _is_written(self, file: bytes, path: bytes, commit: str) -> bool:
        """Return whether a file is what a checkout of the commit writes, a beginning of that, or the LFS object."""
        written = self._git.run("git", "cat-file", "--filters", f"{commit}:{os.fsdecode(path)}", cwd=self._clone)
        pointer = pointers.parse(written) if len(written) in pointers.POINTER_BYTES else None
        if pointer and self._is_object(file, pointer):
            return True
        if os.lstat(file).st_size > len(written):
            return False
        with open(file, "rb") as content:
            now = content.read()
        return now == written or (self._interrupted is not None and written.startswith(now.rstrip(b"\0")))

    def _is_object(self, file: bytes, pointer: pointers.Pointer) -> bool:
        stored = self._store.object(pointer.oid)
        status = os.lstat(file)
        if self._store.has(pointer) and os.path.samestat(status, stored.stat()):
            return True
        return status.st_size == pointer.size and _digest(file, hashlib.sha256()) == pointer.oid

    def _mode(self, path: bytes) -> int | None:
        try:
            return os.lstat(self._file(path)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _file(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self._clone), path)


def blob_id(file: bytes, like: str) -> str:
    """Return git's id for the content of a file, with the hash of another id."""
    digest = hashlib.sha1(usedforsecurity=False) if len(like) == 40 else hashlib.sha256()
    digest.update(b"blob %d\0" % os.lstat(file).st_size)
    return _digest(file, digest)


def _digest(file: bytes, digest: "hashlib._Hash") -> str:
    with open(file, "rb") as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
