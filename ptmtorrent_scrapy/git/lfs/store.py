"""The large files that the clones of a hub share, each once, and how git-lfs brings them.

git-lfs itself never runs inside a repository that somebody else made: what it shall fetch stands in a scratch
repository of ours that holds nothing but the pointers, so nothing of theirs reaches it: no `.lfsconfig`, path or link.
"""

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command, CommandFailed
from ptmtorrent_scrapy.git.environment import configured
from ptmtorrent_scrapy.git.error_messages import of_lfs
from ptmtorrent_scrapy.git.errors import Cancelled, GitError, NoSpace, Unavailable
from ptmtorrent_scrapy.git.lfs.pointers import BRANCH, Pointer, empty_repository
from ptmtorrent_scrapy.git.process import cancelled
from ptmtorrent_scrapy.git.stderr import LoginLoop, LoginLoopDetector
from ptmtorrent_scrapy.storage.fsync import sync_paths
from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_AT_ONCE = 100  # objects in one call of git-lfs; as many locks are held meanwhile
_OTHERS = 0.2  # seconds between looks at an object that somebody else fetches
_CALLS = 5  # of git-lfs in a row, that brought no more than
_PROGRESS = 1 << 20  # bytes each


class Store:
    """The objects that the clones of a hub share, each once (git-lfs's `lfs.storage`)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def object(self, oid: str) -> Path:
        """Where an object lies once it is whole."""
        return self.path / "objects" / oid[:2] / oid[2:4] / oid

    def has(self, pointer: Pointer) -> bool:
        """Whether the object is there, whole."""
        try:
            return self.object(pointer.oid).stat().st_size == pointer.size
        except FileNotFoundError:
            return False

    def missing(self, wanted: Iterable[Pointer]) -> list[Pointer]:
        """Those of `wanted` that are not there, each once."""
        return [pointer for pointer in dict.fromkeys(wanted) if not self.has(pointer)]

    def fetch(self, wanted: Iterable[Pointer], *, git: Command, url: str, scratch: Path) -> GitError | None:
        """Fetch the objects of `wanted` that are missing from the LFS server at `url`.

        What is missing afterwards could not be had; returned is the last reason. An object that another clone is
        fetching, in this process or another, is waited for instead. `scratch` names a folder to make and remove. Raises
        `Cancelled`, `Stalled`.
        """
        reason = None
        missing = iter(self.missing(wanted))
        while chunk := list(islice(missing, _AT_ONCE)):
            while chunk := self.missing(chunk):
                with self._claim(chunk) as claimed:
                    if claimed:
                        reason = self._download(self.missing(claimed), git, url, scratch) or reason
                others = [pointer for pointer in chunk if pointer not in claimed]
                if not others:
                    break
                if cancelled(git.scope):
                    raise Cancelled("the crawl ends")
                time.sleep(_OTHERS)
                chunk = others
        return reason

    def tidy(self) -> None:
        """Remove what killed processes have left and nobody takes up: locks, and parts of objects that are whole."""
        for path in (self.path / "locks").glob("*"):
            with contextlib.suppress(LockHeld), lock(path):
                pass
        for path in (self.path / "incomplete").glob("*"):
            if self.object(path.name[:64]).is_file():
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _claim(self, chunk: Sequence[Pointer]) -> Iterator[set[Pointer]]:
        """Hold the locks of those objects that nobody else holds."""
        with contextlib.ExitStack() as locks:
            claimed = set()
            for pointer in chunk:
                with contextlib.suppress(LockHeld):
                    locks.enter_context(lock(self.path / "locks" / pointer.oid))
                    claimed.add(pointer)
            yield claimed

    def _download(self, chunk: list[Pointer], git: Command, url: str, scratch: Path) -> GitError | None:
        """Call git-lfs until it brings nothing more, or so little that it is better left alone for a while."""
        reason, calls = None, 0
        while chunk and calls < _CALLS:
            objects, there = len(chunk), self._incomplete(chunk)
            reason = self._call(chunk, git, url, scratch)
            if isinstance(reason, LoginLoop):  # of one object; the others are not to suffer
                for pointer in chunk:
                    reason = self._call([pointer], git, url, scratch) or reason
            elif isinstance(reason, Unavailable) and reason.pause is None:
                again = self._call(chunk[:1], git, url, scratch, variable="GIT_CURL_VERBOSE")  # tells headers, too
                reason = again if isinstance(again, Unavailable) else reason
            brought = [pointer for pointer in chunk if self.has(pointer)]
            sync_paths(map(self.object, (pointer.oid for pointer in brought)))
            chunk = self.missing(chunk)
            more = self._incomplete(chunk) - there
            if isinstance(reason, NoSpace) or (len(chunk) == objects and more <= 0):
                break
            calls = 0 if len(chunk) < objects or more > _PROGRESS else calls + 1
        return reason if chunk else None

    def _call(
        self, chunk: list[Pointer], git: Command, url: str, scratch: Path, *, variable: str = "GIT_TRACE"
    ) -> GitError | None:
        """One run of git-lfs; its exit status says nothing but that there is a reason to return."""
        self._resume(chunk)
        shutil.rmtree(scratch, ignore_errors=True)
        _pointer_repository(git, scratch, chunk)
        progress = scratch / "progress"
        settings = {**_SETTINGS, "remote.origin.url": url, "lfs.url": url, "lfs.storage": str(self.path.resolve())}
        try:
            git.run(
                *("git-lfs", "fetch", "origin", BRANCH),
                cwd=scratch,
                environment={
                    **configured(git.environment, settings),
                    "GIT_DIR": str(scratch.resolve()),
                    "GIT_LFS_PROGRESS": str(progress.resolve()),
                    variable: "1",
                },
                watch=LoginLoopDetector(len(chunk)),
                progress=lambda: progress.stat().st_size if progress.exists() else 0,
            )
        except LoginLoop as error:
            return error
        except CommandFailed as error:
            shutil.rmtree(self.path / "logs", ignore_errors=True)  # what git-lfs said, once more
            return of_lfs(error)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return None

    def _resume(self, chunk: Iterable[Pointer]) -> None:
        """Let git-lfs go on with what a killed one left: it looks for `OID.part`, and had renamed it to `OID<random>`.

        Only for objects whose locks are held.
        """
        folder = self.path / "incomplete"
        for pointer in chunk:
            left = sorted(folder.glob(f"{pointer.oid}*"), key=lambda path: path.stat().st_size)
            for path in left[:-1]:
                path.unlink()
            if left:
                left[-1].rename(folder / f"{pointer.oid}.part")

    def _incomplete(self, chunk: Iterable[Pointer]) -> int:
        """Bytes of the objects that are on their way."""
        folder = self.path / "incomplete"
        return sum(path.stat().st_size for pointer in chunk for path in folder.glob(f"{pointer.oid}*"))


# An object that the server refuses would cost git-lfs half a minute of its own retries: what is worth another try gets
# it from the loop in `Store._download`.
_SETTINGS = {
    "lfs.transfer.maxretries": "1",
    "lfs.transfer.maxretrydelay": "1",
    "lfs.concurrenttransfers": "4",
    "lfs.basictransfersonly": "true",
    "lfs.fetchinclude": "",
    "lfs.fetchexclude": "",
    "lfs.fetchrecentalways": "false",
}


def _pointer_repository(git: Command, path: Path, wanted: Iterable[Pointer]) -> None:
    """A bare repository whose one commit holds a pointer file an object."""
    empty_repository(path)
    files = "".join(f"M 100644 inline {pointer.oid}\n{_inline(pointer)}" for pointer in wanted)
    commit = f"commit {BRANCH}\ncommitter pointers <> 0 +0000\ndata 0\n{files}\n"
    environment = {"GIT_DIR": str(path.resolve())}
    git.run("git", "fast-import", "--quiet", cwd=path, stdin=commit.encode(), environment=environment)


def _inline(pointer: Pointer) -> str:
    content = f"version https://git-lfs.github.com/spec/v1\noid sha256:{pointer.oid}\nsize {pointer.size}\n"
    return f"data {len(content)}\n{content}"
