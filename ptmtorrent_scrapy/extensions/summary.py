"""Tells how a crawl went."""

import logging
import sys
from collections.abc import Iterator
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import REFUSED
from ptmtorrent_scrapy.formats.sizes import human

logger = logging.getLogger(__name__)


class Summary:
    """Extension: the last lines of a crawl, for a person to read."""

    def __init__(self, crawler: Crawler, crawl: CrawlSession) -> None:
        self.crawler = crawler
        self.crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        summary = cls(crawler, CrawlSession.of(crawler))
        crawler.signals.connect(summary.tell, signals.spider_closed)
        return summary

    def tell(self, reason: str) -> None:
        text = "\n".join(self._lines(reason))
        logger.info("%s", text)
        if self.crawler.settings["LOG_FILE"]:
            print(text, file=sys.stderr)

    def _lines(self, reason: str) -> Iterator[str]:
        tree = self.crawl.tree
        yield f"{self.crawl.spider.hub}: {reason}"
        if self.crawl.state.problem:
            yield _row("because", self.crawl.state.problem)
        yield from self._listed()
        for what, pages in self._below("pages/").items():
            yield _row("pages", f"{pages:,} {what}, in {tree.folder / 'html'}")
        for why, models in self._below("record/rejected/").items():
            yield _row("rejected", f"{models:,} {why}, in {tree.rejected}")
        for what, models in self._below("listing/doubts/").items():
            yield _row("doubtful", f"{what} in {models:,} of the models; the field is absent")
        statuses = ", ".join(f"{number:,} {status}" for status, number in self._below("clone/status/").items())
        yield _row("repositories", f"{statuses or 'none'}; {tree.repositories}")
        yield _row("clones", f"{human(self._counted('clone/git_bytes') or 0)} of git in {tree.folder / 'repos'}")
        sizes = [path.stat().st_size for path in tree.store.glob("objects/*/*/*")]
        yield _row("large files", f"{len(sizes):,} with {human(sum(sizes))} in {tree.store}")
        if not_checked := self._counted("clone/not_checked"):
            yield _row("not checked", f"{not_checked:,} repositories this time; their last known commit was kept")
        if left_out := self._counted("clone/lfs_left_out"):
            yield _row("left out", f"{left_out:,} large files, which stay pointers")
        for field, models in self._below("listing/departures/").items():
            is_refused = field.endswith(REFUSED)
            where = "" if is_refused else f" in {models:,} of the models"
            yield _row("departure", f"{field}{where}, unlike the hub's schema")

    def _listed(self) -> Iterator[str]:
        """Yield the lines about what the hub lists."""
        tree = self.crawl.tree
        repeated = self._counted("listing/repeated")
        listed = f"{self._counted('listing/models'):,}"
        yield _row("models", f"{listed}, and {repeated:,} listed again, counted once" if repeated else listed)
        if private := self._counted("listing/private"):
            yield _row("private", f"{private:,} skipped; -a private=true keeps them")
        if not self.crawl.spider.has_records:
            yield _row("objects", f"in {self.crawl.state_file}")
        elif (written := self._counted("record/written", None)) is None:
            yield _row("records", f"none written, {tree.records} is as it was")
        else:
            yield _row("records", f"{written:,} in {tree.records}")

    def _counted(self, name: str, default: int | None = 0) -> int | None:
        assert self.crawler.stats is not None
        value: int | None = self.crawler.stats.get_value(name, default)
        return value

    def _below(self, prefix: str) -> dict[str, int]:
        """Statistics whose names begin alike, by the rest of the name, largest first."""
        assert self.crawler.stats is not None
        found = {
            name.removeprefix(prefix): value
            for name, value in self.crawler.stats.get_stats().items()
            if name.startswith(prefix) and value
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def _row(name: str, text: str) -> str:
    return f"  {name:<13} {text}"
