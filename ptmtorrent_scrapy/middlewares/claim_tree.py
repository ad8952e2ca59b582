"""Lock the data tree before the first request, and resume an interrupted listing."""

import logging
from collections.abc import AsyncIterator
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.storage.disk_errors import described
from ptmtorrent_scrapy.storage.tree import TreeLocked

logger = logging.getLogger(__name__)


class ClaimTreeMiddleware:
    """Spider middleware: sends no request before the tree is locked."""

    def __init__(self, crawl: CrawlSession) -> None:
        self.crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(CrawlSession.of(crawler))

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        try:
            self.crawl.begin()
        except (TreeLocked, OSError) as error:
            problem = described(error) if isinstance(error, OSError) else str(error)
            self.crawl.state.problem = problem
            logger.error("%s", problem)
            raise CloseSpider(FinishReason.TREE_UNAVAILABLE.value) from error
        resumed = self.crawl.resumed
        if resumed is not None and resumed.complete:
            return
        async for each in start:
            yield each
