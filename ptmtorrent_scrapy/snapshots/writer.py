"""Keeps what a crawl finds before new files take its place: `snapshots/TIME/`, compressed."""

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
_END = b"\n]\n"  # of a JsonArrayFile, which comes when it takes its place


def names(tree: DataTree) -> list[str]:
    """The snapshots that are there, earliest first."""
    if not tree.snapshots.is_dir():
        return []
    return sorted(path.name for path in tree.snapshots.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())


class SnapshotWriter:
    """Makes the snapshot of one crawl, and keeps the newest ones."""

    def __init__(self, tree: DataTree, state: Path, keep: int, stopped: Callable[[], bool] = lambda: False) -> None:
        self.tree = tree
        self.made: str | None = None
        self._keep = keep
        self._stopped = stopped
        self._state = state  # the file by which one state differs from another
        self._place = state.relative_to(tree.folder / "json")
        self._former = tree.before / self._place

    def hold(self) -> None:
        """Keep hold of the files as they are now; the pages of some hubs are overwritten while these are listed.

        What a crawl has held that was cut is kept, unless new records have taken their place since.
        """
        self._tidy()
        if self._keep and self._former.exists() and self._former.samefile(self._state):
            return
        self.let_go()
        if self._keep and self._state.is_file():
            for path in self._files():
                _link(path, self.tree.before / path.relative_to(self.tree.folder / "json"))

    def let_go(self) -> None:
        shutil.rmtree(self.tree.before, ignore_errors=True)

    def before(self, new: JsonArrayFile) -> None:
        """New records are about to take their place for the first time: keep the former ones, unless they are the same.

        Raises `Cancelled`.
        """
        if self._former.is_file():
            new.save()
            with self._former.open("rb") as former:
                differs = not _is_same(former, beside(self._state))
            if differs:
                self.made = self._make()
        self.let_go()

    def again(self, new: JsonArrayFile) -> None:
        """New records are about to take their place once more: forget the former ones, if they are the same."""
        if self.made is None:
            return
        new.save()
        with reading(compressed(self.tree.snapshots / self.made / self._place)) as former:
            same = _is_same(former, beside(self._state))
        if same:
            self._remove(self.made)
            self.made = None

    def prune(self) -> None:
        """Remove the earliest snapshots beyond the number."""
        if self._keep:
            for name in names(self.tree)[: -self._keep]:
                self._remove(name)

    def _files(self) -> Iterator[Path]:
        """What makes a state of the tree; the records last, so that where they are held all is."""
        metadata = self.tree.folder / "json" / "metadata"
        found = sorted(metadata.iterdir()) if metadata.is_dir() else []
        for path in sorted([*found, self.tree.rejected, self.tree.records], key=self._state.__eq__):
            if path.is_file() and not path.is_symlink() and not is_work(path.name):
                yield path

    def _make(self) -> str:
        name = self._name()
        if name in names(self.tree):
            return name  # a crawl that was killed has made it
        logger.info("keeps what was there before in %s", self.tree.snapshots / name)
        folder = self.tree.snapshots / f".{name}~new"
        counts = {}
        try:
            for path in sorted(path for path in self.tree.before.rglob("*") if path.is_file()):
                place = path.relative_to(self.tree.before)
                counts[place.as_posix()] = self._compress(path, folder / f"{place}{SUFFIX}")
            models, rejected = counts[self._place.as_posix()], counts.get(self.tree.rejected.name, 0)
            told = {"records": models - 2, "rejected": rejected}  # the brackets have a line each
            write(folder / COUNTS, orjson.dumps(told) + b"\n")
            sync(folder)
            rename(folder, self.tree.snapshots / name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return name

    def _name(self) -> str:
        """The time when the former records took their place; another's is not taken."""
        at = int(self._former.stat().st_mtime)
        while (folder := self.tree.snapshots / _time(at)).exists() and not self._is_of(folder):
            at += 1
        return folder.name

    def _is_of(self, folder: Path) -> bool:
        """Whether a snapshot has the records that are held."""
        path = compressed(folder / self._place)
        with contextlib.suppress(OSError, *DAMAGED), reading(path) as kept, self._former.open("rb") as held:
            return _starts_with(kept, held) and not kept.read(1)
        return False

    def _compress(self, source: Path, target: Path) -> int:
        """Bytes go to the disk compressed; returns how many lines they were."""
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
        """None is there in part: it loses its name first."""
        gone = self.tree.snapshots / f".{name}~gone"
        rename(self.tree.snapshots / name, gone)
        shutil.rmtree(gone)

    def _tidy(self) -> None:
        if self.tree.snapshots.is_dir():
            for path in self.tree.snapshots.iterdir():
                if is_work(path.name):
                    shutil.rmtree(path)


def _time(at: int) -> str:
    """
    >>> _time(0)
    '19700101T000000Z'
    """
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def _link(path: Path, place: Path) -> None:
    """The file under another name as well; a copy, where the file system has no hard links."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, place)


def _is_same(former: IO[bytes], new: Path) -> bool:
    """Whether records that have not taken their place yet are those that were there."""
    with new.open("rb") as file:
        return _starts_with(former, file) and former.read(len(_END) + 1) == _END


def _starts_with(file: IO[bytes], beginning: IO[bytes]) -> bool:
    while piece := beginning.read(_PIECE):
        if file.read(len(piece)) != piece:
            return False
    return True
