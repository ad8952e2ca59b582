"""The states of a tree that can be compared: its snapshots, and the files that are there now."""

import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from ptmtorrent_scrapy.snapshots.writer import COUNTS, names
from ptmtorrent_scrapy.storage.tree import DataTree

NOW = "now"
_LONGEST = 1 << 26  # bytes of a record; what is longer is none


class Unknown(Exception):
    """A time of which there is no state, or more than one; the message names those that are there."""


class Broken(Exception):
    """A file that is not what a crawl writes; the message says which and why."""


@dataclass(frozen=True)
class State:
    """The records of a hub at some time."""

    name: str  # a snapshot's, or `now`
    records: Path
    rejected: Path

    def each(self) -> Iterator[dict[str, Any]]:
        """The records, read one after the other. Raises `Broken`."""
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
        if not isinstance(value, dict) or not isinstance(value.get("ModelURL"), str):
            raise Broken(f"{self.records}: line {number + 1} is no record")
        return value

    def counts(self) -> tuple[int, int]:
        """(records, models without one). Raises `Broken`."""
        told = self.records.with_name(COUNTS)
        if self.name == NOW:
            return _lines(self.records) - 2, _lines(self.rejected) if self.rejected.is_file() else 0
        try:
            counts = json.loads(told.read_bytes())
            return int(counts["records"]), int(counts["rejected"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise Broken(f"{told}: cannot be read") from None


def states(tree: DataTree) -> list[State]:
    """All that are there, earliest first."""
    found = []
    for name in names(tree):
        records, rejected = (tree.snapshots / name / f"{path.name}.gz" for path in (tree.records, tree.rejected))
        found.append(State(name, records, rejected))
    return [*found, State(NOW, tree.records, tree.rejected)] if tree.records.is_file() else found


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
            raise Unknown(f"{tree.folder} has no snapshots; crawl with KEEP_SNAPSHOTS above 0 to have some")
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
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except (EOFError, zlib.error):
        raise Broken(f"{path}: is damaged") from None
    except OSError as error:
        raise Broken(f"{path}: {error.strerror or 'is damaged'}") from None


def _lines(path: Path) -> int:
    with _reading(path) as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
