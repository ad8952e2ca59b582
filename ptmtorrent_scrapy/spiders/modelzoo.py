"""ModelZoo: one index, and a page of JSON for each model.

https://modelzoo.co; its API is described nowhere, PTMTorrent's schemas tell its fields.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Self
from urllib.parse import quote

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from w3lib.url import safe_url_string

from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import count, element, elements, mapping, member, string, strings, texts
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata, Model, RawPage, RejectedModel
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.spiders.base import HubSpider, json_text, map_ordered
from ptmtorrent_scrapy.storage.tree import UnusableName, check_name

_INDEX = "0"  # where the other pages have the name of a model


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

    async def start(self) -> AsyncIterator[Request]:
        yield self.page(_INDEX, self.parse)

    def page(self, slug: str, callback: Callable[..., Any] | None = None) -> Request:
        url = f"{self.hub_url}/api/models/{quote(slug, safe='')}/"
        return self.request(url, callback, headers={"Referer": f"{self.hub_url}/"})

    async def parse(self, response: Response) -> AsyncIterator[RawPage | Model | RejectedModel]:
        try:
            response, index = await self.json_array(response, entries)
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
            self.listing_failed(f"none of its {len(index)} models has a page")

    async def described(self, entry: Metadata) -> list[RawPage | Model | RejectedModel]:
        """A model's page and what it describes; of a model without one, its entry in the index."""
        slug = string(mapping(entry.value).get("slug"))
        try:
            path = page_path(slug)
            page = await self.fetch(self.page(slug or ""))
            described = description(page)
        except PageFailed as why:
            return [RejectedModel(metadata=entry, reason="no page", detail=str(why), name=slug)]
        except NotAModel as error:
            return [RejectedModel(metadata=entry, reason=error.reason, detail=error.detail, name=slug)]
        metadata = replace(described, value={**mapping(entry.value), **described.value, "slug": slug})
        return [RawPage(path=path, body=page.body), *self.models([metadata])]

    def model(self, metadata: Metadata) -> Model:
        described = metadata.value
        name, link = string(described.get("title")), string(described.get("link"))
        if name is None:
            raise NotAModel("no name", "title is missing", name=described["slug"])
        repository = self.repositories.named(link or "")
        if repository is None:
            raise NotAModel("no repository", f"{link!r} names none" if link else "link is missing", name=name)
        categories = titles(described.get("categories"))
        stars = count(described.get("stars"))
        return Model(
            key=described["slug"],
            metadata=metadata,
            name=name,
            owner=repository.owner,
            url=web_address(link) or repository.url,
            owner_url=repository.owner_url,
            repository=repository.url,
            folder=repository.folder,
            popularity=stars or 0,
            task=next(iter(categories), None),
            papers=dois("\n".join(texts(described.get("papers")))),
            library=string(described.get("framework")),
            likes=stars,
            tags=categories,
        )


def entries(text: str) -> list[Metadata]:
    """The models of the index. Raises `ValueError`, `RecursionError`."""
    listed = member(text, "models")
    if listed is None:
        raise ValueError("no array 'models'")
    return elements(listed)


def page_path(slug: str | None) -> str:
    """Where a model's page is kept. Raises `NotAModel`."""
    if slug is None:
        raise NotAModel("no slug", "an element of the index has no slug")
    try:
        return f"json/metadata/models/{check_name(check_name(slug) + '_metadata.json')}"
    except UnusableName as error:
        raise NotAModel("unusable name", str(error)) from error


def description(page: Response) -> Metadata:
    """Return the object on a model's page. Raise `NotAModel`, `PageFailed`."""
    try:
        described = element(json_text(page).strip())
    except (ValueError, RecursionError) as error:
        raise NotAModel("no page", f"{page.url} answers with something else than JSON: {error}") from error
    if not isinstance(described.value, dict):
        raise NotAModel("no page", f"{page.url} answers with something else than a JSON object")
    return described


def titles(categories: Any) -> list[str]:
    """Titles of categories `{"id", "slug", "title", "short_title"}`."""
    return strings([mapping(each).get("title") for each in categories] if isinstance(categories, list) else None)


def web_address(link: str | None) -> str | None:
    """A link as a URL that a browser opens; None if it is none."""
    return safe_url_string(link) if link and link.lower().startswith(("http://", "https://")) else None
