"""Scrapy's feed exports (`scrapy crawl HUB -O models.jsonl`) without the pages, which are items too."""

from typing import Any

from scrapy import Spider
from scrapy.extensions.feedexport import FeedExporter

from ptmtorrent_scrapy.items import ListingPage, RawPage


class ModelFeedExporter(FeedExporter):
    """Export models, and leave pages to the pipelines: their bodies are bytes, which no feed can hold."""

    def item_scraped(self, item: Any, spider: Spider) -> None:
        """Export an item that is no page."""
        if not isinstance(item, ListingPage | RawPage):
            super().item_scraped(item, spider)
