"""Saves how far the listing has come."""

from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.items import ListingPage

_PAGES_WITHOUT_A_MODEL = 50  # in a row, after which a listing is taken for one without end


class CheckpointPipeline:
    """Saves each page of the listing that comes, and what the other pipelines have made of those before."""

    def __init__(self, crawl: CrawlSession) -> None:
        self.crawl = crawl
        self._models = 0  # before the page that came last
        self._idle = 0  # pages in a row without a new model

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(CrawlSession.of(crawler))

    def process_item(self, item: Any) -> Any:
        if isinstance(item, ListingPage):
            self._check_progress()
            self.crawl.save(item)
        return item

    def _check_progress(self) -> None:
        """Raise `DropItem` after so many pages that have shown nothing new."""
        self._idle = self._idle + 1 if self._models == self.crawl.listing.added else 0
        self._models = self.crawl.listing.added
        if self._idle > _PAGES_WITHOUT_A_MODEL:
            why = f"its last {_PAGES_WITHOUT_A_MODEL} pages have no model that the pages before them do not have"
            self.crawl.state.is_listing_outdated = True
            self.crawl.spider.listing_failed(why)
            raise DropItem(why)
