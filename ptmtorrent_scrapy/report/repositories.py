"""Figures of a hub's clones: results, sizes, failures, and bytes saved by sharing."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.git.models import COMPLETE, CloneStatus

INCOMPLETE = (CloneStatus.PARTIAL, CloneStatus.FAILED)  # statuses that the next crawl may complete
LARGEST = 15
FAILURES = 50  # repositories listed per status
_TEXT = 500  # characters of an error


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository in the lists of the report."""

    url: str
    path: str | None
    status: str
    size: int  # bytes of git and of large files
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Repositories that are not complete, of one status."""

    status: str
    repositories: int
    listed: list[Repository]  # the first of them


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Bytes of a hub's clones on disk."""

    git: int
    objects: int  # large files, each stored once
    object_bytes: int
    linked_bytes: int  # of the large files in the clones; a file in two clones counts twice

    @property
    def shared_bytes(self) -> int:
        """Return the bytes saved by storing each large file once; 0 without a store."""
        return max(self.linked_bytes - self.object_bytes, 0) if self.objects else 0


@dataclass(frozen=True, kw_only=True)
class RepositoryFigures:
    """Figures of a hub's repositories."""

    total: int
    statuses: list[tuple[str, int]]
    largest: list[Repository]
    failures: list[Failures]
    stored: Stored

    @property
    def clones(self) -> int:
        """Return how many repositories have everything that was requested."""
        return sum(count for status, count in self.statuses if status in COMPLETE)

    @property
    def incomplete(self) -> int:
        return sum(count for status, count in self.statuses if status in INCOMPLETE)


def repository_figures(lines: Iterable[dict[str, Any]], store: Path) -> RepositoryFigures:
    """Return the figures of the lines of repositories.jsonl, and of the store of large files."""
    statuses: Counter[str] = Counter()
    git = linked = 0
    failures: dict[str, list[Repository]] = {}
    largest: list[Repository] = []
    for line in lines:
        repository = _repository(line)
        statuses[repository.status] += 1
        git += _number(line.get("git_bytes"))
        linked += _number(line.get("lfs_bytes"))
        largest.append(repository)
        if len(largest) >= 100 * LARGEST:
            largest = nlargest(LARGEST, largest, key=_size)
        if repository.status not in COMPLETE and len(listed := failures.setdefault(repository.status, [])) < FAILURES:
            listed.append(repository)
    return RepositoryFigures(
        total=statuses.total(),
        statuses=statuses.most_common(),
        largest=[each for each in nlargest(LARGEST, largest, key=_size) if each.size],
        failures=[
            Failures(status=each, repositories=statuses[each], listed=failures[each]) for each in sorted(failures)
        ],
        stored=_stored(store, git=git, linked=linked),
    )


def _stored(store: Path, *, git: int, linked: int) -> Stored:
    """Return the bytes of clones and of the large files in a git-lfs store (objects/AB/CD/OID)."""
    count = size = 0
    for folder, _, names in os.walk(store / "objects"):
        for name in names:
            with contextlib.suppress(OSError):  # a crawl may be changing the store
                size += os.lstat(os.path.join(folder, name)).st_size
                count += 1
    return Stored(git=git, objects=count, object_bytes=size, linked_bytes=linked)


def _size(repository: Repository) -> int:
    return repository.size


def _repository(line: dict[str, Any]) -> Repository:
    path, error = line.get("path"), line.get("error")
    return Repository(
        url=str(line["url"])[:_TEXT],
        path=path[:_TEXT] if isinstance(path, str) else None,
        status=str(line.get("status"))[:20],
        size=_number(line.get("git_bytes")) + _number(line.get("lfs_bytes")),
        error=error[:_TEXT] if isinstance(error, str) else None,
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
