"""Modelhub: one index, and a `config.json` in each repository.

https://github.com/modelhub-ai/modelhub
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata, Model, RejectedModel
from ptmtorrent_scrapy.parsers import modelhub
from ptmtorrent_scrapy.spiders.base import HubSpider


class ModelhubSpider(HubSpider):
    name = "modelhub"
    hub = "Modelhub.ai"
    hub_url = "https://modelhub.ai"
    metadata = "mh_metadata.json"
    url_settings = ("MODELHUB_URL",)
    clone_files = (modelhub.CONFIG,)
    index_url: str
    repositories: Repositories

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.repositories = Repositories()
        spider.index_url = crawler.settings["MODELHUB_URL"]
        return spider

    async def start(self) -> AsyncIterator[Request]:
        yield self.request(self.index_url, self.parse)

    async def parse(self, response: Response) -> AsyncIterator[Model | RejectedModel]:
        """Yield the models of the index.

        @hub_url
        @models 1 repository
        """
        try:
            _, index = await self.json_array(response)
        except PageFailed as why:
            self.page_failed(response.url, why)
            return
        for item in self.models(index):
            yield item

    def model(self, metadata: Metadata) -> Model:
        return modelhub.model(metadata, self.repositories)

    def with_clone(self, model: Model, files: Mapping[str, bytes]) -> Model:
        """Return the model with the data of its clone's `config.json`."""
        assert self.crawler.stats is not None
        try:
            config = files.get(modelhub.CONFIG, b"{}").decode("utf-8", "replace")
            found, departures = modelhub.with_config(model, config)
        except (ValueError, RecursionError):
            self.logger.warning("%s: skipped %s of its repository, which is not JSON", model.name, modelhub.CONFIG)
            return model
        for field in departures:
            self.crawler.stats.inc_value(f"listing/departures/{field}")
        return found
