"""The states of a tree that can be compared: its snapshots, and its current files."""

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
_IN_RECORD = frozenset(
    ("id", "sha", "downloads", "likes", "downloadsAllTime", "trendingScore")
)  # or different in each crawl
_LONGEST = 1 << 26  # bytes of the longest record


class UnknownState(Exception):
    """No state, or more than one, is of the given time; the message lists the existing ones."""


class DamagedFile(Exception):
    """A file is damaged; the message says which one and why."""


@dataclass(frozen=True)
class State:
    """A hub at one time: its records, or the metadata objects of a hub without records."""

    name: str  # a snapshot's, or `now`
    folder: Path  # of this state
    records: Path
    rejected: Path
    has_records: bool = True

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the records, or objects in the form of records. Raise `DamagedFile`."""
        with _reading(self.records) as file:
            if file.readline(_LONGEST) != b"[\n":
                raise DamagedFile(f"{self.records}: does not begin like a file of records")
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
                if line == b"]\n":
                    return
                yield self._record(line, number)
            raise DamagedFile(f"{self.records}: its end is missing")

    def _record(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            value = orjson.loads(line.rstrip(b"\n").removesuffix(b","))
        except ValueError:
            value = None
        if not self.has_records and isinstance(value, dict):
            value = _as_record(value)
        if not isinstance(value, dict) or not isinstance(value.get("ModelURL"), str):
            raise DamagedFile(f"{self.records}: line {number + 1} is not a record")
        return value

    def counts(self) -> tuple[int, int]:
        """Return the number of records and of rejected models. Raise `DamagedFile`."""
        file = self.folder / COUNTS
        if self.name == NOW:
            return _lines(self.records) - 2, _lines(self.rejected) if self.rejected.is_file() else 0
        try:
            counts = json.loads(file.read_bytes())
            return int(counts["records"]), int(counts["rejected"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise DamagedFile(f"{file}: cannot be read") from None


def states(tree: DataTree) -> list[State]:
    """Return all states, oldest first."""
    found = [_state(name, tree.snapshots / name, tree) for name in names(tree)]
    now = _state(NOW, tree.folder / "json", tree)
    return [*found, now] if now.records.is_file() else found


def _state(name: str, folder: Path, tree: DataTree) -> State:
    """Return the state in a folder; without records it uses the only metadata file."""
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
    """Return two states by the beginnings of their names: by default the newest snapshot, and now.

    Raise `UnknownState`.
    """
    existing = states(tree)
    if len(times) < 2:
        times = [*times, NOW]
    if len(times) < 2:
        snapshots = [state.name for state in existing if state.name != NOW]
        if not snapshots:
            raise UnknownState(f"{tree.folder} has no snapshots; crawl again with KEEP_SNAPSHOTS above 0")
        times = [snapshots[-1], *times]
    return _named(times[0], existing, tree), _named(times[1], existing, tree)


def _named(time: str, existing: list[State], tree: DataTree) -> State:
    found = [state for state in existing if state.name.startswith(time)] if re.fullmatch(r"now|\d[\dTZ]*", time) else []
    if len(found) == 1:
        return found[0]
    what = "matches several states" if found else "is not a state"
    raise UnknownState(
        f"{time!r} {what} of {tree.folder}; there are {', '.join(state.name for state in existing) or 'none'}"
    )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, decompressed if it is compressed. Raise `DamagedFile`."""
    try:
        if not path.is_file():
            raise DamagedFile(f"{path}: does not exist")
        with reading(path) as file:
            yield file
    except DAMAGED:
        raise DamagedFile(f"{path}: is damaged") from None
    except OSError as error:
        raise DamagedFile(f"{path}: {error.strerror or 'is damaged'}") from None


def _lines(path: Path) -> int:
    with _reading(path) as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
