"""What the parts of one crawl share: the tree it has taken hold of, and its listing."""

import asyncio
import contextlib
import logging
from pathlib import Path
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
        """Take over what became of the repositories in earlier crawls."""
        with contextlib.suppress(FileNotFoundError), self.tree.repositories.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    self.listing.set_outcome(str(orjson.loads(line)["url"]), line.rstrip())
                except (ValueError, KeyError, TypeError):
                    logger.warning("%s: line %d is no outcome and left out", self.tree.repositories, number)

    async def settled(self) -> None:
        """Wait until nothing of the crawl writes to the tree any more."""
        if self.after_listing is not None:
            await asyncio.gather(self.after_listing, return_exceptions=True)

    def end(self) -> None:
        self._held.close()
