"""Tells how a crawl went."""

import logging
import sys
from collections.abc import Iterator
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler

from ptmtorrent_scrapy.crawl import HubCrawl

logger = logging.getLogger(__name__)


class Summary:
    """Extension: the last lines of a crawl, for a person to read."""

    def __init__(self, crawler: Crawler, crawl: HubCrawl) -> None:
        self.crawler = crawler
        self.crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        summary = cls(crawler, HubCrawl.of(crawler))
        crawler.signals.connect(summary.tell, signals.spider_closed)
        return summary

    def tell(self, reason: str) -> None:
        text = "\n".join(self._lines(reason))
        logger.info("%s", text)
        if self.crawler.settings["LOG_FILE"]:
            print(text, file=sys.stderr)

    def _lines(self, reason: str) -> Iterator[str]:
        tree, listed = self.crawl.tree, self._counted("listing/models")
        yield f"{self.crawl.spider.hub}: {reason}"
        yield from _row("models", f"{listed:,}{_of(self._below('listing/repeated'), ' listed again, counted once')}")
        yield from _row("records", f"{self._counted('record/written'):,} in {tree.records}")
        for why, models in self._below("record/rejected/").items():
            yield from _row("rejected", f"{models:,} {why}, in {tree.rejected}")
        statuses = self._below("clone/status/")
        told = ", ".join(f"{number:,} {status}" for status, number in statuses.items()) or "none"
        yield from _row("repositories", f"{told}; {tree.repositories}")
        yield from _row("clones", f"{human(self._counted('clone/git_bytes'))} of git in {tree.folder / 'repos'}")
        objects, size = self._counted("clone/lfs_objects"), human(self._counted("clone/lfs_bytes"))
        yield from _row("large files", f"{objects:,} with {size} in {tree.store}")
        for field, models in self._below("listing/departures/").items():
            yield from _row("departure", f"{field} in {models:,} models: not as this hub's schema has it")

    def _counted(self, name: str) -> int:
        assert self.crawler.stats is not None
        return int(self.crawler.stats.get_value(name, 0))

    def _below(self, prefix: str) -> dict[str, int]:
        """Statistics whose names begin alike, by the rest of the name, largest first."""
        assert self.crawler.stats is not None
        found = {
            name.removeprefix(prefix): value
            for name, value in self.crawler.stats.get_stats().items()
            if name.startswith(prefix) and value
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def _row(name: str, text: str) -> Iterator[str]:
    yield f"  {name:<13} {text}"


def _of(counted: dict[str, int], text: str) -> str:
    return "".join(f", {number:,}{text}" for number in counted.values())


def human(size: float) -> str:
    """A size in bytes for people.

    >>> human(2048), human(3.5e9)
    ('2.0 kB', '3.5 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.1f} TB"
