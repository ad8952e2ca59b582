"""Save the progress of the listing."""

from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.items import ListingPage

_PAGES_WITHOUT_A_MODEL = 50  # in a row, after which a listing is considered endless


class CheckpointPipeline:
    """Pipeline that saves each page of the listing, after the state of the other pipelines."""

    def __init__(self, crawl: CrawlSession) -> None:
        self.crawl = crawl
        self._models = 0  # before the last page
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
        """Raise `DropItem` after too many pages without a new model."""
        self._idle = self._idle + 1 if self._models == self.crawl.listing.added else 0
        self._models = self.crawl.listing.added
        if self._idle > _PAGES_WITHOUT_A_MODEL:
            why = f"its last {_PAGES_WITHOUT_A_MODEL} pages have no new model"
            self.crawl.state.is_listing_outdated = True
            self.crawl.spider.listing_failed(why)
            raise DropItem(why)
