"""The repositories that a crawl has to clone, and a sample of those of unknown size."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ptmtorrent_scrapy.crawl.database import CrawlDatabase, ListedRepository
from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.models import UNAVAILABLE, CloneRequest, LfsMode
from ptmtorrent_scrapy.storage.tree import DataTree

_BOUNDS = (0.01, 0.1, 1.0)  # of the repositories by downloads: the strata of the sample


class Work(StrEnum):
    """What a crawl has to do for a repository."""

    CLONE = "clone"
    UPDATE = "update"  # its commit moved
    COMPLETE = "complete"  # only large files are missing
    NOTHING = "nothing"
    ASK = "ask"  # the hub gives no commit
    UNAVAILABLE = "unavailable"  # known to be gated, missing or empty


@dataclass
class Stratum:
    """The repositories of one range of downloads."""

    size: int = 0  # repositories whose size is unknown
    sample: list[ListedRepository] = field(default_factory=list)


class PlanSample:
    """Looks at every chosen repository once, and keeps only a sample."""

    def __init__(self, listing: CrawlDatabase, tree: DataTree, request: CloneRequest) -> None:
        """Prepare it; `tree` is the one that the crawl will write, `request` has the settings of all its clones."""
        self._listing = listing
        self._tree = tree
        self._request = request
        self.work: Counter[Work] = Counter()
        self.known_bytes = 0  # as the hub says
        self.known = 0  # repositories of these

    def draw(self, chosen: int, number: int) -> list[Stratum]:
        """Return the strata of the `chosen` repositories, with samples of `number` repositories altogether."""
        strata = [Stratum() for _ in _BOUNDS]
        drawn: list[list[tuple[int, int, ListedRepository]]] = [[] for _ in _BOUNDS]
        for position, listed in enumerate(self._to_clone()):
            index = next(index for index, bound in enumerate(_BOUNDS) if position < bound * chosen or bound == 1.0)
            strata[index].size += 1
            heapq.heappush(drawn[index], (-_draw(listed), position, listed))
            if len(drawn[index]) > number:
                heapq.heappop(drawn[index])
        for stratum, part, count in zip(strata, drawn, shares([each.size for each in strata], number), strict=True):
            stratum.sample = [listed for _, _, listed in sorted(part, reverse=True)[:count]]
        return strata

    def _to_clone(self) -> Iterator[ListedRepository]:
        """Yield the repositories to clone whose size is unknown, and count the others."""
        for listed in self._listing.repositories():
            if not listed.chosen:
                return
            work = self._work(listed)
            self.work[work] += 1
            if work == Work.CLONE and listed.bytes is not None and self._request.lfs in (LfsMode.AUTO, LfsMode.ALL):
                self.known_bytes += listed.bytes
                self.known += 1
            elif work == Work.CLONE:
                yield listed

    def _work(self, listed: ListedRepository) -> Work:
        path = self._tree.repository(listed.folder)
        if not (path / ".git").is_dir():
            return Work.UNAVAILABLE if self._is_unavailable(listed) else Work.CLONE
        if not local.is_sound(path):
            return Work.UPDATE
        if listed.commit is None:
            return Work.ASK
        if local.head(path)[1] != listed.commit:
            return Work.UPDATE
        is_whole = local.is_complete(local.state(path), replace(self._request, path=str(path)))
        return Work.NOTHING if is_whole else Work.COMPLETE

    def _is_unavailable(self, listed: ListedRepository) -> bool:
        if listed.gated and self._request.token is None:
            return True
        return self._listing.result(listed.url).get("status") in UNAVAILABLE


def shares(sizes: list[int], number: int) -> list[int]:
    """Return how many of `number` to draw from strata of these sizes: equal numbers, as far as the sizes allow.

    >>> shares([2, 20, 200], 30)
    [2, 14, 14]
    """
    counts = [0] * len(sizes)
    left = min(number, sum(sizes))
    while left:
        open_strata = [index for index, size in enumerate(sizes) if counts[index] < size]
        fair = max(1, left // len(open_strata))
        for index in reversed(open_strata):
            step = min(fair, sizes[index] - counts[index], left)
            counts[index] += step
            left -= step
    return counts


def _draw(listed: ListedRepository) -> int:
    """Return a number that is independent of the size of a repository, and the same each time."""
    return int.from_bytes(hashlib.blake2b(listed.url.encode(), digest_size=8).digest())
