"""Scrapy's feed exports (`scrapy crawl HUB -O models.jsonl`) without the pages, which are items too."""

from typing import Any

from scrapy import Spider
from scrapy.extensions.feedexport import FeedExporter

from ptmtorrent_scrapy.items import ListingPage, RawPage


class ModelFeedExporter(FeedExporter):
    """Exports models, but no pages: their bodies are bytes, which feeds cannot contain."""

    def item_scraped(self, item: Any, spider: Spider) -> None:
        """Export an item unless it is a page."""
        if not isinstance(item, ListingPage | RawPage):
            super().item_scraped(item, spider)
