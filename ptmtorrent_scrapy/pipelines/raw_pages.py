"""Write raw pages."""

import logging
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.items import RawPage
from ptmtorrent_scrapy.storage.atomic import write
from ptmtorrent_scrapy.storage.tree import DataTree, UnusableName

logger = logging.getLogger(__name__)


class RawPagePipeline:
    """Pipeline that writes each RawPage to its place in the tree."""

    def __init__(self, tree: DataTree) -> None:
        self.tree = tree

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(CrawlSession.of(crawler).tree)

    def process_item(self, item: Any) -> Any:
        if isinstance(item, RawPage):
            try:
                path = self.tree.page(item.path)
            except UnusableName as error:
                logger.warning("a page was not saved: %s", error)
                raise DropItem(str(error)) from None
            write(path, item.body)
        return item
