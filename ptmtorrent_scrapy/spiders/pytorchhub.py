"""PyTorch Hub: models from the repository of its pages, and the pages as a browser shows them on its site.

https://github.com/pytorch/hub
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings

from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.downloadhandlers import chromium, chromium_program
from ptmtorrent_scrapy.formats.markdown import is_rendered, plain, render
from ptmtorrent_scrapy.formats.repository_urls import Repositories, comparable, owner_and_name
from ptmtorrent_scrapy.items import Metadata, Model, RawPage, RejectedModel
from ptmtorrent_scrapy.parsers.pytorchhub import Page, described, model, model_page
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.fetching import map_ordered, text

_PAGE_FILE = re.compile(r"[^/]+\.md")
_LARGEST_PAGE = 1 << 18  # bytes: twenty times the largest


class PyTorchHubSpider(HubSpider):
    name = "pytorchhub"
    hub = "PyTorch Hub"
    metadata = "pyth_models_metadata.json"
    raw_pages = ("html/metadata/pyth_metadata.html", "html/metadata/models/*.html")
    url_settings = ("PYTORCHHUB_URL", "PYTORCHHUB_REPOSITORY")
    repository_settings = ("PYTORCHHUB_REPOSITORY",)
    probe = "/"
    has_browser: bool
    repository: str  # of the pages

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repositories = Repositories()
        self.pages: list[Page] = []

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        if (executable := chromium_program.find()) and chromium_program.problem() is None:
            chromium.configure(settings, settings["PYTORCHHUB_URL"], executable)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.hub_url = crawler.settings["PYTORCHHUB_URL"].rstrip("/")
        spider.repository = comparable(crawler.settings["PYTORCHHUB_REPOSITORY"])
        spider.has_browser = chromium.is_configured(crawler.settings)
        return spider

    async def start(self) -> AsyncIterator[RawPage | Model | RejectedModel]:
        named = owner_and_name(self.repository)
        if named is None:
            self.listing_failed(f"{self.repository} names no repository")
            return
        clone = await self.clone(self.repository, "/".join(named))
        files = await self.last_commits(clone) if clone else {}
        names = sorted(name for name in files if _PAGE_FILE.fullmatch(name))
        texts = {name: await self.text(clone / name) for name in names} if clone else {}
        self.pages = [page for name, content in texts.items() if (page := model_page(name, content))]
        for item in self.models([described(number, page, self.url(page)) for number, page in enumerate(self.pages)]):
            yield item
        if self.pages and not self.has_browser:
            self.logger.warning("%s: the pages are rendered from their Markdown", chromium_program.problem())
        start = [Page("", {}, texts.get("README.md", ""))] if self.pages else []
        async for kept in map_ordered(self.kept(page) for page in start + self.pages):
            if kept is not None:
                yield kept

    async def text(self, path: Path) -> str:
        """Return a file of the clone; empty if it cannot be a page."""
        try:
            answer = await self.fetch(Request(path.as_uri(), meta={"download_maxsize": _LARGEST_PAGE}))
        except PageFailed as why:
            self.logger.warning("%s is skipped: %s", path.name, why)
            return ""
        return text(answer).replace("\r\n", "\n")

    def model(self, metadata: Metadata) -> Model:
        return model(metadata, self.pages[metadata.value["id"]], self.repositories)

    def url(self, page: Page) -> str:
        return f"{self.hub_url}/{quote(page.stem)}/" if page.stem else f"{self.hub_url}/"

    async def kept(self, page: Page) -> RawPage | None:
        """Return a page of the site, else rendered from its Markdown; None if that of an earlier crawl stays."""
        assert self.crawler.stats is not None
        path = f"html/metadata/models/{page.stem}.html" if page.stem else "html/metadata/pyth_metadata.html"
        try:
            body = await self.shown(page, path) if self.has_browser else None
        except PageFailed:
            return None
        if not self.has_browser and await self.has_site_page(path):
            return None
        self.crawler.stats.inc_value("pages/markdown" if body is None else "pages/site")
        if body is None:
            body = (await self.rendered(page)).encode()
        return RawPage(path=path, body=body)

    async def rendered(self, page: Page) -> str:
        """Return the HTML of a page's Markdown, or the plain Markdown if rendering takes too long."""
        try:
            return await self.parsed(render, page.markdown)
        except PageFailed as why:
            self.logger.warning("%s.md is kept as plain text: %s", page.stem, why)
            return plain(page.markdown)

    async def shown(self, page: Page, path: str) -> bytes | None:
        """Return a page of the site; None if it has no such page. Raise `PageFailed` if an earlier one stays."""
        url = self.url(page)
        try:
            answer = await self.fetch(chromium.request(url))
            if self.is_elsewhere(answer.url, page):
                raise PageFailed(f"it leads to {answer.url}")
        except PageFailed as why:
            if not why.is_permanent and await self.has_site_page(path):
                raise
            self.logger.info("%s is rendered from its Markdown: %s", url, str(why)[:500])
            return None
        return answer.body

    async def has_site_page(self, path: str) -> bool:
        """Return whether an earlier crawl saved a page from the site."""
        return await self.kept_page(path, unless=is_rendered) is not None

    def is_elsewhere(self, url: str, page: Page) -> bool:
        """Return whether the site redirects a page to another host, or a model's page to its start page."""
        there, hub = urlsplit(url), urlsplit(self.hub_url)
        return there.netloc != hub.netloc or bool(page.stem and there.path.rstrip("/") == hub.path)
