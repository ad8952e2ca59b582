"""What the parts of one crawl share: the tree it has taken hold of, and its listing."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from ptmtorrent_scrapy.listing import Listing
from ptmtorrent_scrapy.spiders.hub import HubSpider
from ptmtorrent_scrapy.tree import DataTree

logger = logging.getLogger(__name__)

_crawls: WeakKeyDictionary[Crawler, "HubCrawl"] = WeakKeyDictionary()


class HubCrawl:
    """The tree and the listing of a crawl, from its first request until it is closed."""

    listing: Listing

    def __init__(self, tree: DataTree, spider: HubSpider) -> None:
        self.tree = tree
        self.spider = spider
        self.after_listing: asyncio.Task[str] | None = None  # the phases that follow it; why the crawl is to close
        self._held = contextlib.ExitStack()

    @classmethod
    def of(cls, crawler: Crawler) -> "HubCrawl":
        """The crawl that a component belongs to. Raises `NotConfigured` where the spider is of no hub."""
        if not isinstance(crawler.spider, HubSpider):
            raise NotConfigured
        if crawler not in _crawls:
            tree = DataTree(Path(crawler.settings["DATA_DIR"]), crawler.spider.name)
            _crawls[crawler] = cls(tree, crawler.spider)
            crawler.signals.connect(_crawls[crawler].end, signals.spider_closed)
        return _crawls[crawler]

    def begin(self) -> None:
        """Take hold of the tree. Raises `InUse`, `OSError`."""
        self._held.enter_context(self.tree.claim())
        self.listing = Listing(self.tree.work)
        self._held.callback(self.listing.close)
        self._remember()

    def _remember(self) -> None:
        """Take over what became of the repositories in earlier crawls, and what their servers told."""
        for line in _lines(self.tree.repositories, {"url": str}):
            path = line.get("path")
            self.listing.set_outcome(line["url"], orjson.dumps(line), path=path if isinstance(path, str) else None)
        for line in _lines(self.tree.looks, {"url": str, "at": int}):
            self.listing.set_look(line["url"], hub_id=line.get("hub_id"), commit=line.get("commit"), at=line["at"])

    async def settled(self) -> None:
        """Wait until nothing of the crawl writes to the tree any more."""
        if self.after_listing is not None:
            await asyncio.gather(self.after_listing, return_exceptions=True)

    def end(self) -> None:
        self._held.close()


def _lines(path: Path, wanted: dict[str, type]) -> Iterator[dict[str, Any]]:
    """The objects of a file, one a line; a line that is none, or lacks a field that is wanted, is told and left out."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                value = orjson.loads(line)
            except ValueError:
                value = None
            if isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in wanted.items()):
                yield value
            else:
                logger.warning("%s: line %d cannot be read and is left out", path, number)
