"""Open the hubs of a tree for exports, each with records and metadata of one crawl, once for all formats."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, TypeVar

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.catalog import CollectedHub, Crawl, Pair

Advance = Callable[[str, int, int | None], object]  # activity, amount done, and total if known

_STEP = 500  # elements between two calls of `Advance`
_LINES = 10_000  # lines between two calls
T = TypeVar("T")


class Source(NamedTuple):
    """A hub, its open files, and the crawl that wrote them."""

    hub: CollectedHub
    pair: Pair
    crawl: Crawl | None

    def description(self) -> str:
        """Return a description of the data's origin."""
        if self.crawl is None:
            return "unknown"
        return f"crawl of {self.crawl.started}, version {self.crawl.version}, {self.crawl.reason or 'still running'}"


@contextmanager
def sources(hubs: Sequence[CollectedHub]) -> Iterator[list[Source]]:
    """Open the hubs. Raise `OSError`."""
    with ExitStack() as stack:
        opened = [(hub, stack.enter_context(hub.open())) for hub in hubs]
        yield [Source(hub, pair, hub.crawl(pair)) for hub, pair in opened]


def about(found: Sequence[Source]) -> dict[str, str]:
    """Return the program of an export and the origin of each hub's data."""
    return {"program": f"ptmtorrent_scrapy {__version__}", **{each.hub.name: each.description() for each in found}}


def counted(advance: Advance, what: str, lines: Iterable[T]) -> Iterator[T]:
    """Yield the lines, and report their number from time to time."""
    for number, line in enumerate(lines, 1):
        if number % _LINES == 0:
            advance(what, number, None)
        yield line


class Progress:
    """Reports how many models of an open hub were read; the total is estimated from the bytes read so far."""

    def __init__(self, advance: Advance, what: str, pair: Pair, size: int) -> None:
        """Prepare it; `size` is the bytes of the files to read."""
        self._advance = advance
        self._what = what
        self._pair = pair
        self._size = size
        self._from = pair.read
        self._count = self._read = 0
        self._next = _STEP

    def step(self, size: int = 0, count: int = 1) -> None:
        """Count elements that were read, and their bytes if the files do not count these themselves."""
        self._count += count
        self._read += size
        if self._count >= self._next:
            self._next = self._count + _STEP
            read = min(max(self._read or self._pair.read - self._from, 1), self._size)
            self._advance(self._what, self._count, round(self._count * self._size / read))

    def end(self) -> None:
        """Report that everything was read."""
        self._advance(self._what, self._count, self._count)
