"""Modelhub: one index, and a `config.json` in each repository.

https://github.com/modelhub-ai/modelhub
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Self

import orjson
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import mapping, string
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata, Model, RejectedModel
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.spiders.base import HubSpider

_CONFIG = "contrib_src/model/config.json"


class ModelhubSpider(HubSpider):
    name = "modelhub"
    hub = "Modelhub.ai"
    hub_url = "https://modelhub.ai"
    metadata = "mh_metadata.json"
    url_settings = ("MODELHUB_URL",)
    clone_files = (_CONFIG,)
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
        """The index.

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
        listed = mapping(metadata.value)
        name, url = string(listed.get("name")), string(listed.get("github"))
        if name is None or url is None:
            raise NotAModel("no name or no repository", "name or github is missing", name=name)
        found = self.repositories.named(url)
        if found is None:
            raise NotAModel("no repository", f"{url!r} names none", name=name, repository=url)
        return Model(
            key=string(listed.get("id")) or name,
            metadata=metadata,
            name=name,
            owner=found.owner,
            url=url,
            owner_url=found.owner_url,
            repository=found.url,
            folder=found.folder,
            task=string(listed.get("task_extended")),
        )

    def with_clone(self, model: Model, files: Mapping[str, bytes]) -> Model:
        """With the architecture and the papers of the clone's `config.json` (modelhub's config_schema.json)."""
        try:
            config = mapping(orjson.loads(files.get(_CONFIG, b"{}")))
        except orjson.JSONDecodeError:
            self.logger.warning("%s: %s of its repository is no JSON and left out", model.name, _CONFIG)
            return model
        publication = mapping(config.get("publication"))
        sources = [string(publication.get(key)) for key in ("url", "bibtex")]
        return replace(
            model,
            architecture=string(mapping(config.get("model")).get("architecture")),
            papers=dois("\n".join(source for source in sources if source)),
        )
