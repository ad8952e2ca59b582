"""Make a data tree from a package: each file is checked, and each clone is assembled as by a crawl.

A package may come from anybody: names are checked, hooks are ignored, git's configuration and index are written by this
program.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.publication import bag, packing
from ptmtorrent_scrapy.publication.bag import BagError, CannotStart
from ptmtorrent_scrapy.publication.checking import check_is_bag
from ptmtorrent_scrapy.publication.disk_space import check_import_space
from ptmtorrent_scrapy.publication.files import copy, digest, link_or_copy
from ptmtorrent_scrapy.publication.import_state import ImportLog, ImportState
from ptmtorrent_scrapy.publication.imported_clones import ImportedClones
from ptmtorrent_scrapy.publication.imported_records import rewrite_records
from ptmtorrent_scrapy.publication.parallel import ordered
from ptmtorrent_scrapy.publication.unpacking import checked, unit_of, unpack
from ptmtorrent_scrapy.publication.volumes import SUFFIX
from ptmtorrent_scrapy.storage import fsync
from ptmtorrent_scrapy.storage.lock import LockHeld, lock
from ptmtorrent_scrapy.storage.tree import UnusableName, check_name, is_work

_AHEAD = 8  # files per worker
_METADATA = re.compile(r"data/([^/]+)/(?:html|json|snapshots)/.+", re.DOTALL)
_DERIVED = re.compile(r"data/(?:exports|report)/.+", re.DOTALL)
_RENEWED = ("/.git/config", "/.git/index")
_CHUNK = 1 << 20


@dataclass(kw_only=True)
class Imported:
    """The result of an import."""

    hubs: tuple[str, ...]
    clones: int = 0
    files: int = 0
    missing: int = 0  # large files that the package does not have


class Importing:
    """Writes the hubs of a package into a data tree."""

    def __init__(
        self,
        package: Path,
        root: Path,
        *,
        git: Callable[[str], Command],
        workers: int,
        min_free: int = 0,
        advance: Callable[[str, int, int], object] = lambda *_: None,
    ) -> None:
        """Prepare it; `git` returns the git settings of a hub, `min_free` bytes of the disk stay free."""
        self._package = package
        self._root = root
        self._work = root / ".import~work"
        self._git = git
        self._workers = workers
        self._min_free = min_free
        self._advance = advance

    def run(self) -> Imported:
        """Import the package. Raise `BagError`, `GitError`, `OSError`."""
        check_is_bag(self._package)
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            with lock(self._root / ".import~lock", note=f"process {os.getpid()}"):
                return self._locked()
        except LockHeld as error:
            raise CannotStart(f"{error or 'another process'} imports into {self._root}; wait for it") from None

    def _locked(self) -> Imported:
        """Import, or continue an interrupted import of the package; one that cannot succeed leaves nothing."""
        self._state = ImportState.of(self._work, self._package)
        self._log = ImportLog(self._work, self._state)
        try:
            hubs = self._hubs()
            if self._state.is_new:
                shutil.rmtree(self._work, ignore_errors=True)
                self._work.mkdir()
                check_import_space(self._package, self._work, min_free=self._min_free)
                self._log.note(now=True)
            self._import(hubs)
        except (BagError, GitError):
            shutil.rmtree(self._work, ignore_errors=True)
            raise
        shutil.rmtree(self._work, ignore_errors=True)
        state = self._state
        return Imported(hubs=hubs, clones=state.clones, files=state.placed, missing=state.missing)

    def _hubs(self) -> tuple[str, ...]:
        """Return the hubs of the package. Raise `BagError`, `CannotStart`."""
        names = {match[1] for _, path in self._manifest() if (match := _METADATA.fullmatch(path))}
        for name in sorted(names):
            try:
                check_name(name)
            except UnusableName as error:
                raise BagError(f"{self._package}: {error}") from None
            if os.path.lexists(self._root / name) and not self._state.is_publishing:
                raise CannotStart(
                    f"{self._root / name} exists; remove it, or name another folder with -s DATA_DIR=PATH"
                )
        if not names:
            raise BagError(f"{self._package} has no data of a hub: nothing is below data/HUB/json/")
        return tuple(sorted(names))

    def _import(self, hubs: Sequence[str]) -> None:
        data = self._work / "data"
        if not self._state.is_publishing:
            with ThreadPoolExecutor(self._workers) as pool:
                self._place_files(pool)
                self._unpack_volumes(pool)
                self._finish_clones(pool, data, hubs)
            fsync.sync(data)
            self._state.is_publishing = True
            self._log.note(now=True)
        self._publish(data, hubs)

    def _finish_clones(self, pool: ThreadPoolExecutor, data: Path, hubs: Sequence[str]) -> None:
        """Assemble the clones that are not finished yet, hub by hub."""
        earlier, state = self._state.clones, self._state
        for hub in hubs:
            rewrite_records(data, hub, self._root.resolve().name)
            clones = ImportedClones(data, hub, self._git(hub))
            lines = clones.lines()
            earlier -= sum(1 for _ in islice(lines, earlier))
            for clone in ordered(pool, clones.finish, lines, self._workers * 2):
                state.clones += 1
                state.missing += clone.missing
                self._log.note()
                self._advance("repositories", state.clones, state.clones)
            if state.missing:
                clones.write_lines()

    def _publish(self, data: Path, hubs: Sequence[str]) -> None:
        """Rename the hubs, which are synced to the disk, to their final names."""
        for name in (*hubs, "exports", "report"):
            if (data / name).is_dir() and not os.path.lexists(self._root / name):
                fsync.rename(data / name, self._root / name)

    def _manifest(self) -> Iterator[tuple[str, str]]:
        return bag.read_manifest(self._package / bag.MANIFEST)

    def _place_files(self, pool: ThreadPoolExecutor) -> None:
        """Place the files of the payload that belong in a tree. Raise `BagError` for a damaged or missing file."""
        total, state = sum(1 for _ in self._manifest()), self._state
        rest = islice(self._manifest(), state.files, None)
        for is_placed in ordered(pool, self._placed, rest, self._workers * _AHEAD):
            state.placed += is_placed
            state.files += 1
            self._log.note()
            self._advance("files", state.files, total)
        self._log.note(now=True)

    def _placed(self, line: tuple[str, str]) -> bool:
        """Place a file if it belongs in a data tree; return whether it does."""
        sha256, path = line
        source, place = self._package / path, self._work / path
        is_large = "/lfs/objects/" in path
        if not _is_of_tree(path) or (is_large and not source.exists()):  # in fetch.txt and not downloaded yet
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # of an import that was interrupted
        try:
            (link_or_copy if is_large else copy)(source, place)
        except FileNotFoundError:
            raise BagError(f"{source} is missing; get the package again") from None
        if (found := digest(place)) != sha256:
            raise BagError(f"{source} is damaged: its SHA-256 is {found}; get the package again")
        if is_large:
            place.chmod(0o444)
        return True

    def _unpack_volumes(self, pool: ThreadPoolExecutor) -> None:
        """Unpack the archives, several at a time. Raise `BagError` for a damaged one."""
        volumes, state = [line for line in self._manifest() if _is_volume(line[1])], self._state
        for _ in ordered(pool, self._unpack, volumes[state.volumes :], self._workers):
            state.volumes += 1
            self._log.note()
            self._advance("volumes", state.volumes, len(volumes))
        self._log.note(now=True)

    def _unpack(self, line: tuple[str, str]) -> None:
        sha256, path = line
        source = self._package / path
        pieces = checked(_pieces(source), sha256, str(source))
        try:
            for _ in unpack(pieces, self._work, link=False, again=True):
                pass
            for _ in pieces:  # also checks the bytes after the end of the archive
                pass
        except FileNotFoundError:
            raise BagError(f"{source} is missing; get the package again") from None


def _is_of_tree(path: str) -> bool:
    """Return whether a file of the package belongs in a data tree, and is read from the package."""
    if _METADATA.fullmatch(path) or _DERIVED.fullmatch(path):
        return not any(is_work(part) or part.lower() == ".git" for part in path.split("/"))
    return unit_of(path) is not None and not path.endswith(_RENEWED)


def _is_volume(path: str) -> bool:
    return path.startswith(f"{packing.FOLDER}/") and path.endswith(SUFFIX)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece
