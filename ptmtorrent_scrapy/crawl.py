"""What the parts of one crawl share: the tree it has taken hold of, and its listing."""

import contextlib
from pathlib import Path
from weakref import WeakKeyDictionary

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from ptmtorrent_scrapy.listing import Listing
from ptmtorrent_scrapy.spiders.hub import HubSpider
from ptmtorrent_scrapy.tree import DataTree


_crawls: WeakKeyDictionary[Crawler, "HubCrawl"] = WeakKeyDictionary()


class HubCrawl:
    """The tree and the listing of a crawl, from its first request until it is closed."""

    listing: Listing

    def __init__(self, tree: DataTree, spider: HubSpider) -> None:
        self.tree = tree
        self.spider = spider
        self._held = contextlib.ExitStack()

    @classmethod
    def of(cls, crawler: Crawler) -> "HubCrawl":
        """The crawl that a pipeline, middleware or extension belongs to; `NotConfigured` where the spider is of no hub."""
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

    def end(self) -> None:
        self._held.close()
