"""The LFS objects of a hub, each stored once and shared by its clones."""

import contextlib
import errno
import hashlib
import os
import random
import shutil
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import Cancelled, GitError, Stalled
from ptmtorrent_scrapy.git.lfs import claims, damaged
from ptmtorrent_scrapy.git.lfs.checks import Checks, digest
from ptmtorrent_scrapy.git.lfs.download import Download
from ptmtorrent_scrapy.git.lfs.gateway import Gateway
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.server import LfsServer
from ptmtorrent_scrapy.git.process import cancelled
from ptmtorrent_scrapy.storage.fsync import sync_paths

_CHUNK = 100  # objects per run of git-lfs
_WAIT = 0.2  # seconds between two checks of another clone's claim
_SAMPLE_FILES = 16  # of the 256 files of checks, in one sample
_SAMPLE_AGE = 30 * 86400  # seconds after which an object is checked again
_EMPTY = hashlib.sha256().hexdigest()


class Store:
    """A folder of LFS objects, in git-lfs's own layout (`lfs.storage`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checks = Checks(path / "checked")
        self._written = path / "written"

    def object(self, oid: str) -> Path:
        """Return the path of an object, which exists once it is complete."""
        return self.path / "objects" / oid[:2] / oid[2:4] / oid

    def has(self, pointer: Pointer) -> bool:
        """Return whether an object is stored, judged by the size of its file."""
        return self.written_at(pointer) is not None

    def written_at(self, pointer: Pointer) -> int | None:
        """Return the time when an object was written, in nanoseconds of the epoch; None if it is not stored."""
        try:
            status = self.object(pointer.oid).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns if status.st_size == pointer.size else None

    def has_file(self, pointer: Pointer) -> bool:
        """Return whether there is a file of an object, even if it is damaged."""
        return damaged.exists(self.object(pointer.oid))

    def missing(self, objects: Iterable[Pointer]) -> list[Pointer]:
        """Return the distinct objects that are not stored."""
        return [pointer for pointer in dict.fromkeys(objects) if not self.has(pointer)]

    def fetch(self, objects: Iterable[Pointer], *, git: Command, server: LfsServer, scratch: Path) -> GitError | None:
        """Fetch the missing objects from an LFS server; return why some are still missing.

        If another clone is downloading an object, in any process, this waits for it. `scratch` is a folder to
        make and remove. Raise `Cancelled`, `Stalled`, `LockHeld`.
        """
        gateway = Gateway(server)
        download = Download(self.path, git, gateway, scratch)
        try:
            missing = iter(self._make_empty(self.missing(objects)))
            while chunk := list(islice(missing, _CHUNK)):
                self._fetch_chunk([pointer for pointer in chunk if gateway.may_try_again(pointer)], download)
            return download.reason(self.missing(objects))
        finally:
            gateway.close()

    def _fetch_chunk(self, chunk: list[Pointer], download: Download) -> None:
        """Download objects, and wait for those that another clone downloads, as long as it makes progress."""
        seen, since = None, time.monotonic()
        while chunk:
            with claims.claim(self.path / "locks", chunk) as claimed:
                if claimed:
                    self._download(claimed, download)
            ours = set(claimed)
            chunk = self.missing(pointer for pointer in chunk if pointer not in ours)
            if chunk:
                if cancelled(download.git.scope):
                    raise Cancelled("the crawl ends")
                if (now := (len(chunk), download.incomplete(chunk))) != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > download.git.timeout:
                    raise Stalled(
                        f"another process fetches the same LFS objects without progress: see {self.path / 'locks'}"
                    )
                time.sleep(_WAIT)

    def _download(self, claimed: list[Pointer], download: Download) -> None:
        """Download objects and sync them to the disk; git-lfs has compared them with their ids."""
        missing = self.missing(claimed)
        try:
            download.run(missing, self.missing)
        finally:
            self._keep([pointer for pointer in missing if self.has(pointer)])

    def _keep(self, new: Iterable[Pointer]) -> None:
        """Make new objects read-only, sync them and their folders to the disk, and note them as checked."""
        folders: dict[Path, None] = {}
        for pointer in new:
            path = self.object(pointer.oid)
            path.chmod(0o444)
            sync_paths([path])
            folders |= dict.fromkeys(path.parents[:5])
            self.note_checked(pointer.oid)
        sync_paths(folders)

    def note_checked(self, oid: str) -> None:
        """Note that the present content of an object on the disk is right."""
        self.checks.add(oid, self.object(oid).stat())

    def _make_empty(self, missing: list[Pointer]) -> list[Pointer]:
        """Store the empty object, which needs no server; return the others."""
        empty = Pointer(_EMPTY, 0)
        if empty in missing:
            path = self.object(_EMPTY)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._keep([empty])
        return [pointer for pointer in missing if pointer != empty]

    def adopt(self, pointer: Pointer, file: Path) -> None:
        """Restore an object from a clone's file, if that has the right content."""
        with contextlib.suppress(OSError):
            status = file.stat(follow_symlinks=False)
            if status.st_size == pointer.size and digest(file) == pointer.oid:
                path = self.object(pointer.oid)
                path.parent.mkdir(parents=True, exist_ok=True)
                if status.st_mode & 0o222:  # a copy that its user may write to
                    copy = path.with_name(f".{path.name}~copy")
                    shutil.copyfile(file, copy)
                    copy.rename(path)
                else:
                    os.link(file, path, follow_symlinks=False)
                self._keep([pointer])

    def set_damaged_aside(self, objects: Iterable[Pointer]) -> None:
        """Move aside objects whose content is wrong, so that they are downloaded again.

        Only content that was not checked since the file was last written is read.
        """
        stored = {}
        for oid in {pointer.oid for pointer in objects}:
            with contextlib.suppress(FileNotFoundError):
                stored[oid] = self.object(oid).stat()
        for oid in sorted(stored.keys() - self.checks.hold(stored.items())):
            self.check(oid)

    def check(self, oid: str) -> bool:
        """Return whether the content of a stored object is right; move a damaged one aside."""
        path = self.object(oid)
        with contextlib.suppress(FileNotFoundError):  # another process has moved it aside
            status = path.stat()
            if _digest(path) == oid:
                self.note_checked(oid)
                return True
            if os.path.samestat(status, path.stat()):
                damaged.move_aside(path, is_written=not self.checks.is_unwritten(oid, status))
        return False

    def set_aside(self, oid: str) -> None:
        """Move a damaged object aside, so that it is downloaded again."""
        path = self.object(oid)
        damaged.move_aside(path, is_written=not self.checks.is_unwritten(oid, path.stat()))

    def check_sample(self, max_bytes: int) -> list[str]:
        """Check some of the objects with the oldest checks; return the ids of damaged ones."""
        wrong, left = [], max_bytes
        for oid in self._old_objects():
            with contextlib.suppress(FileNotFoundError):
                left -= self.object(oid).stat().st_size
                if left < 0:
                    break
                if not self.check(oid):
                    wrong.append(oid)
        return wrong

    def _old_objects(self) -> list[str]:
        """Return ids of a random part of the objects with old or no checks, oldest first."""
        now = time.time()
        ages: dict[str, float] = {}
        for number in random.sample(range(256), _SAMPLE_FILES):
            name = f"{number:02x}"
            checked = {oid: at for oid, at in self.checks.ages(name).items() if at <= now}  # otherwise it is not a time
            ages |= {oid: at for oid in self.ids(name) if (at := checked.get(oid, 0)) < now - _SAMPLE_AGE}
        return sorted(ages, key=ages.__getitem__)

    def ids(self, name: str = "") -> Iterator[str]:
        """Yield the ids of the stored objects, or of those that begin with two digits."""
        for _, _, names in os.walk(self.path / "objects" / name):
            yield from (each for each in names if len(each) == 64)

    def tidy(self) -> None:
        """Remove useless leftovers of killed processes, and damaged objects that have an intact copy."""
        claims.remove_left(self.path / "locks")
        self.checks.shorten()
        for path in (self.path / "incomplete").glob("*"):
            if self.object(path.name[:64]).is_file():
                path.unlink(missing_ok=True)

    def put_back(self, oid: str) -> None:
        """Move a damaged object back, unless it was downloaded again."""
        damaged.put_back(self.object(oid))

    def replace_damaged(self, fetched: Iterable[Pointer]) -> None:
        """Replace damaged objects with the downloaded ones, also in the clones that link to them."""
        for pointer in fetched:
            if self.has(pointer) and damaged.replace(self.object(pointer.oid), self._written):
                self.note_checked(pointer.oid)

    def was_written(self, pointer: Pointer, file: Path) -> bool:
        """Return whether a file is an object that somebody has written to."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return any(file.samefile(path) for path in self._written.glob(f"{pointer.oid}.*"))
        return False


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file; None if the disk cannot read it."""
    try:
        return digest(path)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return None
