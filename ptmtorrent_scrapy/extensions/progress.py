"""Shows how a crawl goes on: a bar on a terminal, a line now and then in a log."""

import logging
import sys
from typing import Self

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.utils.asyncio import AsyncioLoopingCall, create_looping_call
from twisted.internet.task import LoopingCall

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.formats.sizes import human

logger = logging.getLogger(__name__)

_ON_TERMINAL = 0.5  # seconds between two looks
_IN_LOG = 60.0


class Progress:
    """Extension: models listed, repositories done of how many, bytes, time left."""

    def __init__(self, crawler: Crawler, bars: Bars | None) -> None:
        self.crawler = crawler
        self._bars = bars
        self._look: AsyncioLoopingCall | LoopingCall = create_looping_call(self._show if bars else self._log)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        CrawlSession.of(crawler)  # the progress of other spiders is not ours
        terminal = sys.stderr.isatty() and crawler.settings.getbool("LOG_ENABLED")
        progress = cls(crawler, _bars() if terminal else None)
        crawler.signals.connect(progress.start, signals.spider_opened)
        crawler.signals.connect(progress.stop, signals.spider_closed)
        return progress

    def start(self) -> None:
        if self._bars:
            self._listing = self._bars.add_task("listing", total=None, said="")
            self._clones = self._bars.add_task("clones", total=None, said="", visible=False)
            self._bars.start()
            _write_above(self._bars.console)
        self._look.start(_ON_TERMINAL if self._bars else _IN_LOG, now=False)

    def stop(self) -> None:
        if self._look.running:
            self._look.stop()
        if self._bars:
            self._show()
            self._bars.stop()

    def _show(self) -> None:
        assert self._bars is not None
        models, done, chosen, size = self._counted()
        self._bars.update(self._listing, completed=models, said=f"{models:,} models")
        if chosen:
            said = f"{done:,} of {chosen:,} repositories, {human(size)}"
            self._bars.update(self._listing, total=models)
            self._bars.update(self._clones, completed=done, total=chosen, visible=True, said=said)

    def _log(self) -> None:
        models, done, chosen, size = self._counted()
        logger.info("%s models listed, %s of %s repositories done, %s", f"{models:,}", done, chosen, human(size))

    def _counted(self) -> tuple[int, int, int, int]:
        """(models, repositories done, repositories chosen, bytes of the clones)."""
        assert self.crawler.stats is not None
        value = self.crawler.stats.get_value
        size = value("clone/git_bytes", 0) + value("clone/lfs_bytes", 0)
        return value("listing/models", 0), value("clone/done", 0), value("clone/chosen", 0), size


def _bars() -> Bars:
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    return Bars(*columns, console=Console(stderr=True))


def _write_above(console: Console) -> None:
    """Let log lines that go to the terminal appear above the bars."""
    for handler in logging.root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__:
            handler.setStream(FileProxy(console, sys.__stderr__))
