"""The states of a tree that can be compared: its snapshots, and the files that are there now."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from ptmtorrent_scrapy.snapshots.writer import COUNTS, names
from ptmtorrent_scrapy.storage.compressed import DAMAGED, SUFFIX, compressed, reading
from ptmtorrent_scrapy.storage.tree import DataTree

NOW = "now"
_IN_RECORD = frozenset(("id", "sha", "downloads", "likes", "downloadsAllTime", "trendingScore"))  # or always another
_LONGEST = 1 << 26  # bytes of a record; what is longer is none


class Unknown(Exception):
    """A time of which there is no state, or more than one; the message names those that are there."""


class Broken(Exception):
    """A file that is not what a crawl writes; the message says which and why."""


@dataclass(frozen=True)
class State:
    """What a hub had at some time: its records, or the objects of a hub that has no records."""

    name: str  # a snapshot's, or `now`
    folder: Path  # of this state
    records: Path
    rejected: Path
    has_records: bool = True

    def each(self) -> Iterator[dict[str, Any]]:
        """Yield the records, or objects in the form of records. Raise `Broken`."""
        with _reading(self.records) as file:
            if file.readline(_LONGEST) != b"[\n":
                raise Broken(f"{self.records}: does not begin as records do")
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
                if line == b"]\n":
                    return
                yield self._record(line, number)
            raise Broken(f"{self.records}: its end is missing")

    def _record(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            value = orjson.loads(line.rstrip(b"\n").removesuffix(b","))
        except ValueError:
            value = None
        if not self.has_records and isinstance(value, dict):
            value = _as_record(value)
        if not isinstance(value, dict) or not isinstance(value.get("ModelURL"), str):
            raise Broken(f"{self.records}: line {number + 1} is no record")
        return value

    def counts(self) -> tuple[int, int]:
        """(records, models without one). Raises `Broken`."""
        told = self.folder / COUNTS
        if self.name == NOW:
            return _lines(self.records) - 2, _lines(self.rejected) if self.rejected.is_file() else 0
        try:
            counts = json.loads(told.read_bytes())
            return int(counts["records"]), int(counts["rejected"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise Broken(f"{told}: cannot be read") from None


def states(tree: DataTree) -> list[State]:
    """Return all that are there, earliest first."""
    found = [_state(name, tree.snapshots / name, tree) for name in names(tree)]
    now = _state(NOW, tree.folder / "json", tree)
    return [*found, now] if now.records.is_file() else found


def _state(name: str, folder: Path, tree: DataTree) -> State:
    """Return the state in a folder; without records it is that of the only metadata file."""
    place = (lambda path: path) if name == NOW else compressed
    records, rejected = (place(folder / path.name) for path in (tree.records, tree.rejected))
    objects = [] if records.is_file() else _objects(folder / "metadata", name)
    has_objects = len(objects) == 1
    return State(name, folder, objects[0] if has_objects else records, rejected, has_records=not has_objects)


def _objects(folder: Path, name: str) -> list[Path]:
    """Return the metadata files of a state."""
    suffixes = ("",) if name == NOW else (SUFFIX, ".gz")
    return [path for suffix in suffixes for path in folder.glob(f"*_metadata.json{suffix}")]


def _as_record(listed: dict[str, Any]) -> dict[str, Any]:
    """Return an object in the form of a record, so that the same fields are compared."""
    name = listed.get("id")
    known = {"ModelURL": name, "ModelName": name, "ModelOwner": str(name).partition("/")[0]}
    for field, of_record in (("sha", "LatestGitCommitSHA"), ("downloads", "ModelDownloads"), ("likes", "ModelLikes")):
        known[of_record] = listed.get(field)
    rest = {field: value for field, value in listed.items() if field not in _IN_RECORD}
    return {**rest, **known}


def compared(tree: DataTree, times: list[str]) -> tuple[State, State]:
    """The two that these times mean, each the beginning of a name: by default the newest snapshot, and now.

    Raises `Unknown`.
    """
    there = states(tree)
    if len(times) < 2:
        times = [*times, NOW]
    if len(times) < 2:
        snapshots = [state.name for state in there if state.name != NOW]
        if not snapshots:
            raise Unknown(f"{tree.folder} has no snapshots; crawl again with KEEP_SNAPSHOTS above 0")
        times = [snapshots[-1], *times]
    return _meant(times[0], there, tree), _meant(times[1], there, tree)


def _meant(time: str, there: list[State], tree: DataTree) -> State:
    found = [state for state in there if state.name.startswith(time)] if re.fullmatch(r"now|\d[\dTZ]*", time) else []
    if len(found) == 1:
        return found[0]
    what = "more than one state" if found else "no state"
    raise Unknown(
        f"{time!r} is {what} of {tree.folder}; there are {', '.join(state.name for state in there) or 'none'}"
    )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    """A file, or what is compressed in it. Raises `Broken`."""
    try:
        if not path.is_file():
            raise Broken(f"{path}: is not there")
        with reading(path) as file:
            yield file
    except DAMAGED:
        raise Broken(f"{path}: is damaged") from None
    except OSError as error:
        raise Broken(f"{path}: {error.strerror or 'is damaged'}") from None


def _lines(path: Path) -> int:
    with _reading(path) as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
