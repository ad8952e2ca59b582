"""Keeps raw pages."""

from typing import Any, Self

from scrapy.crawler import Crawler

from ptmtorrent_scrapy.crawl import HubCrawl
from ptmtorrent_scrapy.items import RawPage
from ptmtorrent_scrapy.tree import DataTree, write


class RawPagePipeline:
    """Writes each RawPage where it belongs in the tree."""

    def __init__(self, tree: DataTree) -> None:
        self.tree = tree

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(HubCrawl.of(crawler).tree)

    def process_item(self, item: Any) -> Any:
        if isinstance(item, RawPage):
            write(self.tree.page(item.path), item.body)
        return item
