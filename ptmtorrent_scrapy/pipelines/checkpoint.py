"""Notes how far the listing has come."""

from typing import Any, Self

from scrapy.crawler import Crawler

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.items import ListingPage


class CheckpointPipeline:
    """Saves each page of the listing that comes, and what the others have made of those before."""

    def __init__(self, crawl: CrawlSession) -> None:
        self.crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(CrawlSession.of(crawler))

    def process_item(self, item: Any) -> Any:
        if isinstance(item, ListingPage):
            self.crawl.save(item)
        return item
