"""Save the files of the previous crawl, compressed in `snapshots/TIME/`, before new ones replace them."""

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import orjson

from ptmtorrent_scrapy.git.errors import Cancelled
from ptmtorrent_scrapy.storage.atomic import JsonArrayFile, beside, write
from ptmtorrent_scrapy.storage.compressed import DAMAGED, SUFFIX, compressed, reading, writing
from ptmtorrent_scrapy.storage.fsync import rename, sync
from ptmtorrent_scrapy.storage.tree import DataTree, is_work

logger = logging.getLogger(__name__)

COUNTS = "counts.json"
_NAME = re.compile(r"\d{8}T\d{6}Z")
_PIECE = 1 << 20  # bytes
_END = b"\n]\n"  # of a JsonArrayFile, written on commit


def names(tree: DataTree) -> list[str]:
    """Return the names of the snapshots, oldest first."""
    if not tree.snapshots.is_dir():
        return []
    return sorted(path.name for path in tree.snapshots.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())


class SnapshotWriter:
    """Writes the snapshot of one crawl, and removes the oldest ones."""

    def __init__(self, tree: DataTree, state: Path, keep: int, stopped: Callable[[], bool] = lambda: False) -> None:
        self.tree = tree
        self.made: str | None = None
        self._keep = keep
        self._stopped = stopped
        self._state = state  # the file that is compared to see whether a state is new
        self._place = state.relative_to(tree.folder / "json")
        self._former = tree.before / self._place

    def hold(self) -> None:
        """Keep links to the current files, since the listing of some hubs overwrites them.

        Links of an interrupted crawl are kept, unless new records were written since.
        """
        self._tidy()
        if self._keep and self._former.exists() and self._former.samefile(self._state):
            return
        self.let_go()
        if self._keep and self._state.is_file():
            for path in self._files():
                _link(path, self.tree.before / path.relative_to(self.tree.folder / "json"))

    def let_go(self) -> None:
        """Remove the links to the previous files."""
        shutil.rmtree(self.tree.before, ignore_errors=True)

    def before(self, new: JsonArrayFile) -> None:
        """Save the previous records before new ones first replace them, unless both are the same.

        Raise `Cancelled`.
        """
        if self._former.is_file():
            new.save()
            with self._former.open("rb") as former:
                differs = not _is_same(former, beside(self._state))
            if differs:
                self.made = self._make()
        self.let_go()

    def again(self, new: JsonArrayFile) -> None:
        """Remove this crawl's snapshot again if the final records equal it."""
        if self.made is None:
            return
        new.save()
        with reading(compressed(self.tree.snapshots / self.made / self._place)) as former:
            same = _is_same(former, beside(self._state))
        if same:
            self._remove(self.made)
            self.made = None

    def prune(self) -> None:
        """Remove the oldest snapshots beyond the number to keep."""
        if self._keep:
            for name in names(self.tree)[: -self._keep]:
                self._remove(name)

    def _files(self) -> Iterator[Path]:
        """Yield the files of a state; the records come last, so that a linked records file means that all are."""
        metadata = self.tree.folder / "json" / "metadata"
        found = sorted(metadata.iterdir()) if metadata.is_dir() else []
        for path in sorted([*found, self.tree.rejected, self.tree.records], key=self._state.__eq__):
            if path.is_file() and not path.is_symlink() and not is_work(path.name):
                yield path

    def _make(self) -> str:
        name = self._name()
        if name in names(self.tree):
            return name  # a killed crawl has written it
        logger.info("saving previous data as snapshot %s", self.tree.snapshots / name)
        folder = self.tree.snapshots / f".{name}~new"
        counts = {}
        try:
            for path in sorted(path for path in self.tree.before.rglob("*") if path.is_file()):
                place = path.relative_to(self.tree.before)
                counts[place.as_posix()] = self._compress(path, folder / f"{place}{SUFFIX}")
            models, rejected = counts[self._place.as_posix()], counts.get(self.tree.rejected.name, 0)
            sums = {"records": models - 2, "rejected": rejected}  # each bracket is a line
            write(folder / COUNTS, orjson.dumps(sums) + b"\n")
            sync(folder)
            rename(folder, self.tree.snapshots / name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return name

    def _name(self) -> str:
        """Return the time when the previous records were written, or the next second that no other snapshot has.

        A time in the future, from a clock that was ahead, would be newer than all snapshots to come.
        """
        at = int(min(self._former.stat().st_mtime, time.time()))
        while (folder := self.tree.snapshots / _time(at)).exists() and not self._is_of(folder):
            at += 1
        return folder.name

    def _is_of(self, folder: Path) -> bool:
        """Return whether a snapshot has the previous records."""
        path = compressed(folder / self._place)
        with contextlib.suppress(OSError, *DAMAGED), reading(path) as kept, self._former.open("rb") as held:
            return _starts_with(kept, held) and not kept.read(1)
        return False

    def _compress(self, source: Path, target: Path) -> int:
        """Write a file compressed, and return its number of lines. Raise `Cancelled`, `OSError`."""
        lines = 0
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with source.open("rb") as file, writing(target) as packed:
                while piece := file.read(_PIECE):
                    if self._stopped():
                        raise Cancelled("the crawl was stopped")
                    packed.write(piece)
                    lines += piece.count(b"\n")
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from error
        return lines

    def _remove(self, name: str) -> None:
        """Remove a snapshot; it is renamed first, so that none is ever seen half-removed."""
        gone = self.tree.snapshots / f".{name}~gone"
        rename(self.tree.snapshots / name, gone)
        shutil.rmtree(gone)

    def _tidy(self) -> None:
        if self.tree.snapshots.is_dir():
            for path in self.tree.snapshots.iterdir():
                if is_work(path.name):
                    shutil.rmtree(path)


def _time(at: int) -> str:
    """Return the name of a time in seconds of the epoch.

    >>> _time(0)
    '19700101T000000Z'
    """
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def _link(path: Path, place: Path) -> None:
    """Link a file to another name; copy it if the file system has no hard links."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, place)


def _is_same(former: IO[bytes], new: Path) -> bool:
    """Return whether new records, not committed yet, equal the previous ones."""
    with new.open("rb") as file:
        return _starts_with(former, file) and former.read(len(_END) + 1) == _END


def _starts_with(file: IO[bytes], beginning: IO[bytes]) -> bool:
    while piece := beginning.read(_PIECE):
        if file.read(len(piece)) != piece:
            return False
    return True
