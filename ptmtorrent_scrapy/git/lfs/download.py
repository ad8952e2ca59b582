"""Run git-lfs to download objects.

git-lfs never runs in an untrusted repository. A temporary repository has only the pointers of the
objects to download, so no foreign `.lfsconfig`, path or link reaches git-lfs. Its only server is our `Gateway`.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command, CommandFailed
from ptmtorrent_scrapy.git.environment import configured, environment
from ptmtorrent_scrapy.git.error_messages import of_lfs
from ptmtorrent_scrapy.git.errors import GitError, NoSpace
from ptmtorrent_scrapy.git.lfs.gateway import Gateway
from ptmtorrent_scrapy.git.lfs.pointers import Pointer, text

_BRANCH = "refs/heads/pointers"  # of the scratch repository
_RUNS = 5  # consecutive runs of git-lfs that download no more than
_PROGRESS = 1 << 20  # bytes each

_SETTINGS = {
    "lfs.transfer.maxretries": "1",  # `Download.run` decides about further attempts
    "lfs.transfer.maxretrydelay": "1",
    "lfs.concurrenttransfers": "4",
    "lfs.basictransfersonly": "true",
    "lfs.fetchinclude": "",
    "lfs.fetchexclude": "",
    "lfs.fetchrecentalways": "false",
}
# Of the scratch repository; git-lfs would start another process to write it
_CONFIG = "[core]\n\tbare = true\n[lfs]\n\trepositoryformatversion = 0\n"
# The scratch repository is removed in a moment, and a pack needs no process that unpacks it
_IMPORT = {"core.fsync": "none", "fastimport.unpackLimit": "1"}


class Download:
    """Downloads objects of one LFS server into a store."""

    def __init__(self, store: Path, git: Command, gateway: Gateway, scratch: Path) -> None:
        # without the user's settings and token, which only the gateway uses
        self.git = replace(git, environment=environment(timeout=int(git.timeout)))
        self._store = store
        self._gateway = gateway
        self._scratch = scratch
        self._local: GitError | None = None  # what went wrong on this machine

    def run(self, objects: list[Pointer], missing: Callable[[Iterable[Pointer]], list[Pointer]]) -> None:
        """Run git-lfs until it downloads nothing more. Raise `Cancelled`, `Stalled`."""
        runs = 0
        while objects and runs < _RUNS:
            before = len(objects), self.incomplete(objects)
            self._local = self._run(objects)
            left = missing(objects)
            more = self.incomplete(left) - before[1]
            objects = [pointer for pointer in left if self._gateway.may_try_again(pointer)]
            if isinstance(self._local, NoSpace) or (len(left) == before[0] and more <= 0):
                return
            runs = 0 if len(left) < before[0] or more > _PROGRESS else runs + 1

    def reason(self, missing: Sequence[Pointer]) -> GitError | None:
        """Return why objects are missing; None if no error is known."""
        if not missing:
            return None
        if isinstance(self._local, NoSpace):
            return self._local
        return self._gateway.failure(missing) or self._local

    def _run(self, objects: list[Pointer]) -> GitError | None:
        """Run git-lfs once; its exit status only says whether there was an error."""
        self._resume(objects)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._make_pointers(objects)
        url = self._gateway.url
        settings = {**_SETTINGS, "remote.origin.url": url, "lfs.url": url, "lfs.storage": str(self._store.resolve())}
        variables = {**configured(self.git.environment, settings), "GIT_DIR": str(self._scratch.resolve())}
        try:
            self.git.run(
                *("git-lfs", "fetch", "origin", _BRANCH),
                cwd=self._scratch,
                environment=variables,
                watch=lambda _: None,  # its output does not count as progress
                progress=lambda: self._gateway.received,
            )
        except CommandFailed as error:
            shutil.rmtree(self._store / "logs", ignore_errors=True)  # a copy of git-lfs' messages
            return of_lfs(error)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return None

    def _make_pointers(self, objects: Iterable[Pointer]) -> None:
        """Make the temporary repository: bare, with one commit that has a pointer file per object."""
        for folder in ("objects", "refs"):
            (self._scratch / folder).mkdir(parents=True)
        (self._scratch / "HEAD").write_text(f"ref: {_BRANCH}\n")
        (self._scratch / "config").write_text(_CONFIG)
        files = "".join(
            f"M 100644 inline {pointer.oid}\ndata {len(text(pointer))}\n{text(pointer)}" for pointer in objects
        )
        commit = f"commit {_BRANCH}\ncommitter pointers <> 0 +0000\ndata 0\n{files}\n"
        environment = configured(self.git.environment, _IMPORT)
        variables = {**environment, "GIT_DIR": str(self._scratch.resolve())}
        self.git.run("git", "fast-import", "--quiet", cwd=self._scratch, stdin=commit.encode(), environment=variables)

    def _resume(self, objects: Iterable[Pointer]) -> None:
        """Let git-lfs resume files of a killed run: it looks for `OID.part`, but had renamed it to `OID<random>`.

        Only for objects that are claimed.
        """
        folder = self._store / "incomplete"
        for pointer in objects:
            left = sorted(folder.glob(f"{pointer.oid}*"), key=lambda path: path.stat().st_size)
            for path in left[:-1]:
                path.unlink()
            if left:
                left[-1].rename(folder / f"{pointer.oid}.part")

    def incomplete(self, objects: Iterable[Pointer]) -> int:
        """Return the bytes of incomplete objects; git-lfs of another clone may complete them at the same time."""
        folder, size = self._store / "incomplete", 0
        for path in (path for pointer in objects for path in folder.glob(f"{pointer.oid}*")):
            with contextlib.suppress(FileNotFoundError):
                size += path.stat().st_size
        return size
