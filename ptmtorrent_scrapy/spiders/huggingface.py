"""Hugging Face: its listing tells everything but the repositories' content.

https://huggingface.co/docs/hub/api
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self
from urllib.parse import quote, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import BaseSettings

from ptmtorrent_scrapy.crawl.state import ResumePage
from ptmtorrent_scrapy.formats.link_header import next_link
from ptmtorrent_scrapy.items import ListingPage, Metadata, Model, RejectedModel
from ptmtorrent_scrapy.parsers import huggingface
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.huggingface_query import listing_url
from ptmtorrent_scrapy.spiders.base import HubSpider

_AHEAD = 4  # items that Scrapy takes before it has done with the first: by then that page is noted
_TREE_PAGES = 100  # of a list of files


class HuggingFaceSpider(HubSpider):
    name = "huggingface"
    hub = "Hugging Face"
    metadata = "hf_metadata.json"
    default_fraction = 0.1
    selects = (*HubSpider.selects, "library", "license", "min_downloads")
    url_settings = ("HUGGINGFACE_URL",)
    probe = "/api/models?limit=1"
    fields: list[str]  # that the listing is asked for
    asked: set[str]  # URLs of pages, some 3,000 for 3 million models

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.asked = set()
        spider.hub_url = crawler.settings["HUGGINGFACE_URL"].rstrip("/")
        spider.token = cls.token_of(crawler.settings)
        spider.fields = crawler.settings.getlist("HUGGINGFACE_EXPAND")
        return spider

    @classmethod
    def token_of(cls, settings: BaseSettings) -> tuple[str, str] | None:
        token = settings["HUGGINGFACE_TOKEN"]
        return (settings["HUGGINGFACE_URL"].rstrip("/"), token) if token else None

    @classmethod
    def file_url(cls, url: str, commit: str, path: str) -> str | None:
        return f"{url}/resolve/{commit}/{quote(os.fsencode(path))}"

    async def start(self) -> AsyncIterator[Request]:
        if (page := self.session.state.resume_page) is None:
            yield self.page(listing_url(self.hub_url, "models", self.fields), self.parse_listing)
        else:
            yield self.request(page.file, self.parse_listing, meta={"kept": page})

    def page(self, url: str, callback: Callable[..., Any] | None = None) -> Request:
        headers = {"Authorization": f"Bearer {self.token[1]}"} if self.token else None
        return self.request(url, callback, headers=headers, meta={"dont_cache": True})  # 10 GB, new each time

    async def parse_listing(self, response: Response) -> AsyncIterator[ListingPage | Model | RejectedModel]:
        """All pages from this one on, each asked for while the one before is worked on."""
        page: Response | None = response
        while page is not None:
            page, listing = await self.json_array(page)
            kept: ResumePage | None = page.meta.get("kept")
            failed = self.session.state.problem is not None
            next_url = kept.following if kept else None if failed else self.next_url(page)
            if self.session.state.problem is None:
                yield ListingPage(url=kept.url if kept else page.url, following=next_url, body=page.body)
            following: asyncio.Task[Response | None] | None = None
            try:
                for number, item in enumerate(self.models(listing)):
                    yield item
                    if number == _AHEAD and next_url:
                        following = asyncio.create_task(self.answer(self.page(next_url)))
            except BaseException:
                if following:
                    following.cancel()
                raise
            if following:
                page = await following
            else:
                page = await self.answer(self.page(next_url)) if next_url else None

    def recorded(self, record: Mapping[str, Any], found: Mapping[str, Any] | None) -> Model | None:
        """Return the model of the hub's own object, which has its commit."""
        try:
            return None if found is None else self.model(Metadata("", found))
        except NotAModel:
            return None

    async def parse(self, response: Response) -> AsyncIterator[Model | RejectedModel]:
        """One page.

        @hub_url /api/models?sort=createdAt&limit=10&expand[]=sha&expand[]=tags&expand[]=downloads
        @models 10 commit
        """
        _, listing = await self.json_array(response)
        for item in self.models(listing):
            yield item

    def next_url(self, response: Response) -> str | None:
        """The next page's URL, as it is; one that leads elsewhere or in a circle is not followed."""
        try:
            url = linked(response)
        except ValueError as error:
            self.listing_failed(f"{response.url}: its Link header cannot be read: {error}")
            return None
        if url is None:
            return None
        if not self.is_own(url) or url in self.asked:
            self.session.state.is_listing_outdated = True
            self.listing_failed(f"{response.url} names {url} as the next page")
            return None
        self.asked.add(url)
        return url

    def is_own(self, url: str) -> bool:
        """Whether a URL is of the hub."""
        return urlsplit(url)[:2] == urlsplit(self.hub_url)[:2]

    async def files(self, url: str, commit: str | None) -> list[tuple[int, bool]] | None:
        found: list[tuple[int, bool]] = []
        identifier = url.removeprefix(f"{self.hub_url}/")
        page: str | None = f"{self.hub_url}/api/models/{identifier}/tree/{commit or 'main'}?recursive=true"
        for _ in range(_TREE_PAGES):
            response = await self.answer_or_reason(self.page(page)) if page else None
            if not isinstance(response, Response):
                return found if response is None else None
            found += huggingface.files(response.text)
            try:
                page = linked(response)
            except ValueError:
                return None
            page = page if page and self.is_own(page) else None
        return found

    def model(self, metadata: Metadata) -> Model:
        return huggingface.model(metadata, self.hub_url)


def linked(response: Response) -> str | None:
    """The next page's URL, as the answer names it. Raises `ValueError`."""
    return next_link(b", ".join(response.headers.getlist("Link")).decode("latin-1"))
