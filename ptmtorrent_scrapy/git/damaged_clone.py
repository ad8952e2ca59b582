"""Move a user's commits and files from a damaged clone to the one that replaces it."""

import contextlib
import filecmp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.git import kept_changes, local
from ptmtorrent_scrapy.git.command import Command, CommandFailed
from ptmtorrent_scrapy.git.lfs import pointers
from ptmtorrent_scrapy.git.local_work import blob_id
from ptmtorrent_scrapy.git.origin import is_other_repository, origin
from ptmtorrent_scrapy.git.refs import HEADS
from ptmtorrent_scrapy.git.tracking import LOCAL, REWRITTEN, Tracking
from ptmtorrent_scrapy.storage.folders import walk

_STASH = "refs/stash"
_LISTED = ("git", "for-each-ref", "--format=%(objectname) %(refname)", HEADS, LOCAL, REWRITTEN, _STASH)
_FOLLOWED = ("git", "for-each-ref", "--format=^%(objectname)", "refs/remotes/", "refs/tags/")


class DamagedClone:
    """A damaged clone beside its new one. All methods raise `GitError` and `OSError`."""

    def __init__(self, git: Command, old: Path, new: Path) -> None:
        self._git = git
        self._old = old
        self._new = new
        self._tracking = Tracking(git=git, clone=new)

    def give(self, url: str) -> str | None:
        """Give the new clone the user's work in the old one; return a message about it.

        `url` is the repository's; an old clone of another repository gives nothing.
        """
        if (self._old / ".git" / "config").is_file() and is_other_repository(origin(self._old) or url, url):
            return None
        kept = [*self._give_commits(), *self._give_files()]
        return f"work in the damaged clone was kept as {', '.join(kept)}" if kept else None

    def _give_commits(self) -> list[str]:
        """Copy the commits that the new clone lacks, as far as they can be read, and name them."""
        kept = []
        for name, oid in self._commits().items():
            with contextlib.suppress(CommandFailed):  # damaged commits are lost
                if not self._tracking.has(oid):
                    self._copy(oid)
                if self._tracking.lost([oid]):
                    self._tracking.change({name: oid})
                    kept.append(name)
        return kept

    def _commits(self) -> dict[str, str]:
        """Return the commits of branches, of HEAD and of kept references, by their new names."""
        moment = self._tracking.moment()
        commits: dict[str, str] = {}
        with contextlib.suppress(CommandFailed, OSError):
            branch, commit = local.head(self._old)
            if branch is None and commit is not None:
                commits[f"{LOCAL}{moment}/HEAD"] = commit
            listed = os.fsdecode(self._git.run(*_LISTED, cwd=self._old)).split("\n")[:-1]
            commits |= {_new_name(name, moment): oid for oid, _, name in (line.partition(" ") for line in listed)}
        return commits

    def _copy(self, commit: str) -> None:
        """Pack the objects of a commit that the new clone lacks."""
        stdin = commit.encode() + b"\n" + self._git.run(*_FOLLOWED, cwd=self._new)
        objects = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str((self._old / ".git" / "objects").absolute())}
        command = ("git", "pack-objects", "--revs", "--quiet", ".git/objects/pack/pack")
        self._git.run(*command, cwd=self._new, stdin=stdin, environment=objects)

    def _give_files(self) -> list[str]:
        """Move files whose paths are free, and keep the others as a commit; return its reference."""
        changed = []
        for path in self._foreign():
            if self._is_in_the_way(path):
                changed.append(path)
            else:
                target = Path(os.fsdecode(self._at(self._new, path)))
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(self._at(self._old, path), target)
        return [kept_changes.keep(self._git, self._new, self._tracking, changed, self._old)] if changed else []

    def _foreign(self) -> list[bytes]:
        """Return the files whose content the new clone does not have, without large files, which may be damaged."""
        large = pointers.of_commit(self._git, self._new, "HEAD")
        differ = [path for path in self._files() if path not in large and not self._is_same(path)]
        head = local.head(self._new).commit or ""
        ids = b"".join(blob_id(self._at(self._old, path), head).encode() + b"\n" for path in differ)
        answers = self._git.run("git", "cat-file", "--batch-check", cwd=self._new, stdin=ids).split(b"\n")
        return [path for path, answer in zip(differ, answers, strict=False) if answer.endswith(b"missing")]

    def _files(self) -> Iterator[bytes]:
        """Yield the files of the old working tree."""
        top = os.fsencode(self._old) + b"/"
        for folder, inner, names in walk(self._old):
            if folder == str(self._old) and ".git" in inner:
                inner.remove(".git")
            for name in names:
                file = os.fsencode(os.path.join(folder, name))
                if stat.S_ISREG(os.lstat(file).st_mode):
                    yield file.removeprefix(top)

    def _is_same(self, path: bytes) -> bool:
        """Return whether the new clone has the same file at that path."""
        try:
            return filecmp.cmp(self._at(self._old, path), self._at(self._new, path), shallow=False)
        except OSError:
            return False

    def _is_in_the_way(self, path: bytes) -> bool:
        """Return whether the new clone has something at a path, or a file at a folder above it."""
        at = self._at(self._new, path)
        top = os.fsencode(self._new)
        while at != top and not os.path.lexists(at):
            at = os.path.dirname(at)
        return at == self._at(self._new, path) or not os.path.isdir(at)

    @staticmethod
    def _at(clone: Path, path: bytes) -> bytes:
        return os.path.join(os.fsencode(clone), path)


def _new_name(name: str, moment: str) -> str:
    """Return the new name of a reference of the old clone.

    >>> _new_name("refs/heads/main", "NOW"), _new_name("refs/local/THEN/main", "NOW")
    ('refs/local/NOW/main', 'refs/local/THEN/main')
    """
    if name == _STASH:
        return f"{LOCAL}{moment}/stash"
    return f"{LOCAL}{moment}/{name.removeprefix(HEADS)}" if name.startswith(HEADS) else name
