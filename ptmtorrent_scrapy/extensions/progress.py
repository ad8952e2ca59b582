"""Show what a crawl is doing: bars on a terminal, else one line per minute."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.utils.asyncio import AsyncioLoopingCall, create_looping_call
from twisted.internet.task import LoopingCall

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import Phase
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.formats.times import clock
from ptmtorrent_scrapy.git.models import USABLE, CloneStatus

if TYPE_CHECKING:  # only a terminal needs Rich
    from rich.console import Console
    from rich.progress import Progress as Bars

logger = logging.getLogger(__name__)

_ON_TERMINAL = 0.5  # seconds between updates
_IN_LOG = 10.0  # seconds until the first line
_LINES = 6  # periods between two lines
_RATE_OVER = 60  # samples of a rate
_WIDE = 120  # least columns for the names of current repositories
_BAR = 10  # columns
_BESIDE = len("listing") + _BAR + 3  # columns of a line besides its text


class Rate:
    """The growth of a number per second, over the last samples."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_RATE_OVER)
        self._clock = clock

    def add(self, value: float) -> float:
        """Add a sample; return the growth per second."""
        self._samples.append((self._clock(), value))
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return max(0.0, (last - first) / (ended - began)) if ended > began else 0.0


class Part(NamedTuple):
    """A part of a progress line; a narrow terminal omits less important parts, of higher `rank`."""

    text: str
    rank: int


def fitting(parts: Sequence[Part], width: int | None = None) -> str:
    """Return the parts separated by commas, without those that do not fit the width.

    >>> parts = [Part("9 of 100", 0), Part("1 gated", 4), Part("2.0 MB/s", 2), Part("about 0:40 left", 1)]
    >>> fitting(parts), fitting(parts, 35)
    ('9 of 100, 1 gated, 2.0 MB/s, about 0:40 left', '9 of 100, 2.0 MB/s, about 0:40 left')
    """
    kept, left = set[int](), width
    for number in sorted(range(len(parts)), key=lambda number: parts[number].rank):
        needed = len(parts[number].text) + 2 * bool(kept)
        if left is None or needed <= left:
            kept.add(number)
            left = left and left - needed
    return ", ".join(part.text for number, part in enumerate(parts) if number in kept)


class Progress:
    """Extension: shows what was listed and cloned so far, how fast, and what the crawl waits for."""

    def __init__(self, crawler: Crawler, crawl: CrawlSession, bars: "Bars | None") -> None:
        self.crawler = crawler
        self.crawl = crawl
        self._bars = bars
        self._models, self._bytes, self._done = Rate(), Rate(), Rate()
        self._periods = 0
        self._loop: AsyncioLoopingCall | LoopingCall = create_looping_call(self._show if bars else self._log)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        crawl = CrawlSession.of(crawler)  # raises for spiders of other projects
        terminal = sys.stderr.isatty() and crawler.settings.getbool("LOG_ENABLED")
        progress = cls(crawler, crawl, _bars() if terminal else None)
        crawler.signals.connect(progress.start, signals.spider_opened)
        crawler.signals.connect(progress.stop, signals.spider_closed)
        return progress

    def start(self) -> None:
        """Show the bars, or write the first line after a while."""
        if self._bars:
            self._listing = self._bars.add_task("listing", total=None, text="")
            self._clones = self._bars.add_task("cloning", total=None, text="", visible=False)
            self._bars.start()
            _write_above(self._bars.console)
        self._loop.start(_ON_TERMINAL if self._bars else _IN_LOG, now=False)

    def stop(self) -> None:
        """Show the last state."""
        if self._loop.running:
            self._loop.stop()
        if self._bars:
            self._show()
            self._bars.stop()

    def _show(self) -> None:
        assert self._bars is not None
        width = self._bars.console.width - _BESIDE
        listed = self._listed()
        if chosen := self._counted("clone/chosen"):
            models = self._counted("listing/models")
            self._bars.update(self._listing, total=models, text=counted(models, "model"), completed=models)
            text = fitting(self._cloned(), width)
            if self._bars.console.width >= _WIDE:
                text += self._under_way(width - len(text) - len("  "))
            done = self._counted("clone/done")
            self._bars.update(self._clones, completed=done, total=chosen, visible=True, text=text)
        else:
            self._bars.update(self._listing, completed=self._counted("listing/models"), text=fitting(listed, width))

    def _log(self) -> None:
        if self._periods % _LINES == 0:
            logger.info("%s", f"{self.crawl.state.phase}: {fitting(self._parts())}")
        self._periods += 1

    def _parts(self) -> list[Part]:
        """Return the progress of the present phase."""
        match self.crawl.state.phase:
            case Phase.LISTING:
                return self._listed()
            case Phase.CLONING:
                return self._cloned()
            case Phase.WRITING:
                return [Part(counted(self._counted("listing/models"), "model"), 0)]

    def _listed(self) -> list[Part]:
        """Return the progress of the listing, and what it waits for."""
        models, state = self._counted("listing/models"), self.crawl.state
        parts = [
            Part(counted(models, "model"), 0),
            Part(counted(self._counted("response_received_count"), "page"), 4),
            Part(f"{self._models.add(models):,.0f}/s", 2),
        ]
        if (wait := state.waits_until - time.monotonic()) > 1:
            parts.append(Part(f"waiting {clock(wait)} for {state.waits_for}", 1))
        elif state.requests_left is not None:
            parts.append(Part(f"{counted(state.requests_left, 'request')} left", 3))
        return parts

    def _cloned(self) -> list[Part]:
        """Return the numbers of repositories by result, the bytes, their rate, and the remaining time."""
        done, chosen = self._counted("clone/done"), self._counted("clone/chosen")
        downloaded = self._counted("clone/downloaded_bytes")
        rate, per_second = self._bytes.add(downloaded), self._done.add(done)
        parts = [Part(f"{done:,} of {chosen:,}", 0), *self._results()]
        if downloaded:
            parts.append(Part(f"{human(downloaded)} downloaded", 5))
        if rate:
            parts.append(Part(f"{human(int(rate))}/s", 2))
        if per_second and done < chosen:
            parts.append(Part(f"about {clock((chosen - done) / per_second)} left", 1))
        return [*parts, *(Part(f"waiting {clock(wait)} for {printable(host)}", 1) for host, wait in self._paused())]

    def _paused(self) -> Iterator[tuple[str, float]]:
        """Yield the hosts of repositories that are paused now, and for how many seconds."""
        for host, until in list(self.crawl.state.paused.items()):
            if (wait := until - time.monotonic()) > 1:
                yield host, wait

    def _results(self) -> Iterator[Part]:
        """Yield how many repositories have a clone, and the numbers of the others by status."""
        if usable := sum(self._counted(f"clone/status/{status}") for status in USABLE):
            yield Part(f"{usable:,} cloned", 3)
        for status in CloneStatus:
            if status not in USABLE and (number := self._counted(f"clone/status/{status}")):
                yield Part(f"{number:,} {status}", 4)

    def _under_way(self, width: int) -> str:
        """Return the names of the current repositories, within a number of columns."""
        names = ", ".join(printable(name) for name in sorted(self.crawl.state.cloning))
        if not names or width <= 3:
            return ""
        return f"  {names if len(names) <= width else f'{names[: width - 3]}...'}"

    def _counted(self, name: str) -> int:
        assert self.crawler.stats is not None
        return int(self.crawler.stats.get_value(name, 0))


def _bars() -> "Bars":
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(_BAR), TextColumn("{task.fields[text]}", markup=False))
    return Bars(*columns, console=Console(stderr=True))


def _write_above(console: "Console") -> None:
    """Let log lines that go to the terminal appear above the bars."""
    from rich.file_proxy import FileProxy

    for handler in logging.root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__:
            handler.setStream(FileProxy(console, sys.__stderr__))
