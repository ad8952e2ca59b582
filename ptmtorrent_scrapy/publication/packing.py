"""Divide the clones of a tree into volumes, and write several volumes at a time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.publication.clones import PackagedClone
from ptmtorrent_scrapy.publication.files import digest
from ptmtorrent_scrapy.publication.parallel import ordered
from ptmtorrent_scrapy.publication.payload import Payload
from ptmtorrent_scrapy.publication.repositories import PackagedRepository
from ptmtorrent_scrapy.publication.volumes import SUFFIX, Volume, VolumeWriter, divided
from ptmtorrent_scrapy.publication.workspace import Workspace
from ptmtorrent_scrapy.storage.atomic import AtomicFile, write

FOLDER = "data/volumes"
INDEX = f"{FOLDER}/index.jsonl"
_SCHEMA = """
DROP TABLE IF EXISTS part;
CREATE TABLE part (path TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID;
"""


class Packing:
    """Writes the volumes of a package and their index. Volumes that an earlier run has finished are kept."""

    def __init__(
        self,
        work: Workspace,
        payload: Payload,
        *,
        limit: int,
        listed: Callable[[PackagedRepository], PackagedClone],
        strict: bool,
    ) -> None:
        self.oversized: list[tuple[str, int]] = []  # (repository, bytes) larger than a volume
        self._work = work
        self._payload = payload
        self._limit = limit
        self._listed = listed
        self._strict = strict
        self._folder = work.bag / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._states = work.folder / "volumes"
        work.database.executescript(_SCHEMA)

    def add(self, clones: Iterable[PackagedClone], pool: Executor, workers: int) -> None:
        """Write the volumes, `workers` at a time. Raise `BagError`, `OSError`."""
        path = self._work.bag / INDEX
        with AtomicFile(path) as index:
            for volume, state in ordered(pool, self._written, self._divided(clones), workers):
                self._name(volume, state)
                for line in self._lines(state["parts"]):
                    index.write(orjson.dumps(line) + b"\n")
        self._payload.name(digest(path), INDEX, path.stat().st_size)

    def _divided(self, clones: Iterable[PackagedClone]) -> Iterator[Volume]:
        for volume in divided(clones, self._limit):
            if volume.bound > self._limit and len(volume.clones) == 1:
                self.oversized.append((volume.clones[0][0].folder, volume.bound))
            yield volume

    def _written(self, volume: Volume) -> tuple[Volume, dict[str, Any]]:
        """Write a volume unless an earlier run has; return it and its checksums."""
        state = self._states / f"{volume.name}.json"
        if (known := self._known(volume, state)) is not None:
            return volume, known
        writer = VolumeWriter(volume, self._folder, listed=self._listed, strict=self._strict)
        sha256, sums = writer.write()
        size = (self._folder / f"{volume.name}{SUFFIX}").stat().st_size
        parts = [part.line() for part in writer.parts]
        found = {"fingerprint": volume.fingerprint, "sha256": sha256, "sums": sums, "size": size, "parts": parts}
        write(state, orjson.dumps(found))
        return volume, found

    def _known(self, volume: Volume, state: Path) -> dict[str, Any] | None:
        """Return the checksums of a volume that an earlier run has finished."""
        path = self._folder / f"{volume.name}{SUFFIX}"
        try:
            found: dict[str, Any] = orjson.loads(state.read_bytes())
            is_same = found["fingerprint"] == volume.fingerprint and path.stat().st_size == found["size"]
        except FileNotFoundError:
            return None
        return found if is_same else None

    def _name(self, volume: Volume, state: dict[str, Any]) -> None:
        path, sums = f"{FOLDER}/{volume.name}", self._folder / f"{volume.name}.sha256"
        self._payload.name(state["sha256"], f"{path}{SUFFIX}", state["size"])
        self._payload.name(state["sums"], f"{path}.sha256", sums.stat().st_size)

    def _lines(self, parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the lines of the index, with the places of the large files that each repository shares."""
        for part in parts:
            if "commit" in part:
                part["shared"] = [orjson.loads(line) for path in part["shared"] if (line := self._part(path))]
            else:
                values = (part["path"], orjson.dumps(part))
                self._work.database.execute("INSERT OR REPLACE INTO part VALUES (?, ?)", values)
            yield part

    def _part(self, path: str) -> bytes | None:
        row = self._work.database.execute("SELECT line FROM part WHERE path = ?", (path,)).fetchone()
        return row[0] if row else None
