"""ModelZoo: one index, and a page of JSON for each model.

https://modelzoo.co; its API is not documented, PTMTorrent's schemas have its fields.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Self
from urllib.parse import quote, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata, Model, RawPage, RejectedModel
from ptmtorrent_scrapy.parsers import modelzoo
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.fetching import json_text, map_ordered

_INDEX = "0"  # in place of a model's name


class ModelZooSpider(HubSpider):
    name = "modelzoo"
    hub = "ModelZoo"
    metadata = "mz_models_metadata.json"
    raw_pages = ("json/metadata/mz_metadata.json", "json/metadata/models/*_metadata.json")
    selects = (*HubSpider.selects, "library")
    url_settings = ("MODELZOO_URL",)
    probe = "/api/models/0/"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repositories = Repositories()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.hub_url = crawler.settings["MODELZOO_URL"].rstrip("/")
        return spider

    def listed_on_page(self, text: str) -> list[Metadata]:
        """Return the models of the index. Raise `ValueError`, `RecursionError`."""
        return modelzoo.entries(text)

    def on_page(self, value: dict[str, Any], url: str) -> dict[str, Any]:
        """Return the object of a model's page with its slug, which is only in the URL."""
        return {"slug": urlsplit(url).path.rstrip("/").rpartition("/")[2], **value}

    async def start(self) -> AsyncIterator[Request]:
        yield self.page(_INDEX, self.parse)

    def page(self, slug: str, callback: Callable[..., Any] | None = None) -> Request:
        url = f"{self.hub_url}/api/models/{quote(slug, safe='')}/"
        return self.request(url, callback, headers={"Referer": f"{self.hub_url}/"})

    async def parse(self, response: Response) -> AsyncIterator[RawPage | Model | RejectedModel]:
        try:
            response, index = await self.json_array(response, modelzoo.entries)
        except PageFailed as why:
            self.page_failed(response.url, why)
            return
        pages = 0
        async for items in map_ordered(self.described(entry) for entry in index):
            pages += isinstance(items[0], RawPage)
            for item in items:
                yield item
        if pages:
            yield RawPage(path="json/metadata/mz_metadata.json", body=response.body)
        elif index:
            self.listing_failed(f"none of its {len(index):,} models has a page")

    async def described(self, entry: Metadata) -> list[RawPage | Model | RejectedModel]:
        """Return a model's page and its model; for a model without a page, its entry in the index."""
        slug = modelzoo.slug(entry)
        try:
            path = modelzoo.page_path(slug)
            page, metadata = await self.described_page(entry, slug or "", path)
        except PageFailed as why:
            return [RejectedModel(metadata=entry, reason="no page", detail=str(why), name=slug)]
        except NotAModel as error:
            return [RejectedModel(metadata=entry, reason=error.reason, detail=error.detail, name=slug)]
        kept = [] if page.url.startswith("file:") else [RawPage(path=path, body=page.body)]
        return [*kept, *self.models([metadata])]

    async def described_page(self, entry: Metadata, slug: str, path: str) -> tuple[Response, Metadata]:
        """Return a model's page and the object on it. Raise `PageFailed`, `NotAModel`."""
        page = await self.fetch_or_kept(self.page(slug), path)
        try:
            return page, modelzoo.described(entry, json_text(page), page.url)
        except NotAModel:
            if (kept := await self.kept_page(path)) is None:
                raise
            return kept, modelzoo.described(entry, json_text(kept), kept.url)

    def model(self, metadata: Metadata) -> Model:
        return modelzoo.model(metadata, self.repositories)
