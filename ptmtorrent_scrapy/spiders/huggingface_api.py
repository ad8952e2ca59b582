"""Common parts of the listings of Hugging Face: models, datasets and spaces.

https://huggingface.co/docs/hub/api
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, ClassVar, Self
from urllib.parse import quote, urljoin, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.crawl.request_meta import KEPT, SHRINKS
from ptmtorrent_scrapy.crawl.selection import Selection
from ptmtorrent_scrapy.crawl.state import REFUSED, ResumePage
from ptmtorrent_scrapy.formats.link_header import next_link
from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.items import ListingPage, Metadata, Model, RejectedModel
from ptmtorrent_scrapy.parsers import huggingface
from ptmtorrent_scrapy.parsers import huggingface_query as query
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.fetching import text

_TREE_PAGES = 100  # of a list of files
_ERRORS = list(range(400, 600))  # statuses that `parse_listing` handles, since it can request a smaller page


class HuggingFaceApiSpider(HubSpider):
    """Lists one path of the API page by page. A subclass names the path and turns its objects into models."""

    plural: ClassVar[str]  # the name in the API's path
    prefix: ClassVar[str] = ""  # of the paths of their repositories
    fields_setting: ClassVar[str]  # setting with the names of the requested fields
    selects = (*HubSpider.selects, "library", "license", "min_downloads", "private")
    url_settings = ("HUGGINGFACE_URL",)
    token_setting = "HUGGINGFACE_TOKEN"  # noqa: S105 - the name of a setting
    token_probe = "/api/whoami-v2"  # noqa: S105 - a path
    fields: list[str]
    followed: set[str]  # URLs of next pages, some 3,000 for 3 million models
    size: query.PageSize
    _other_hosts: set[str]  # hosts after redirects
    _next: asyncio.Task[Response | PageFailed] | None = None  # fetches the next page

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.followed, spider.size, spider._other_hosts = set(), query.PageSize(), set()
        spider.fields = options.names(cls.fields_setting, crawler.settings.getlist(cls.fields_setting))
        spider.hub_url = crawler.settings["HUGGINGFACE_URL"].rstrip("/")
        spider.token = cls.token_of(crawler.settings)
        return spider

    def recorded(self, record: Mapping[str, Any], found: Mapping[str, Any] | None) -> Model | None:
        """Return the model of the hub's own object, which has its commit."""
        try:
            return None if found is None else self.model(Metadata("", found))
        except NotAModel:
            return None

    @classmethod
    def token_of(cls, settings: BaseSettings) -> tuple[str, str] | None:
        token = options.token("HUGGINGFACE_TOKEN", settings["HUGGINGFACE_TOKEN"])
        return (settings["HUGGINGFACE_URL"].rstrip("/"), token) if token else None

    @classmethod
    def file_url(cls, url: str, commit: str, path: str) -> str | None:
        return f"{url}/resolve/{commit}/{quote(os.fsencode(path))}"

    @classmethod
    def cloned_from(cls, selection: Selection) -> tuple[str, ...]:
        return () if selection.is_nothing else cls.url_settings

    @classmethod
    def check_settings(cls, settings: BaseSettings) -> None:
        super().check_settings(settings)
        options.names(cls.fields_setting, settings.getlist(cls.fields_setting))

    async def start(self) -> AsyncIterator[Request]:
        page = self.session.state.resume_page
        if page is not None and page.file is not None:
            yield self.request(page.file, self.parse_listing, meta={KEPT: page})
        else:
            first = query.listing_url(self.hub_url, self.plural, self.fields)
            request = self.page(page.url if page else first, self.parse_listing)
            yield request.replace(errback=self.parse_failure, meta={**request.meta, "handle_httpstatus_list": _ERRORS})

    def page(self, url: str, callback: Callable[..., Any] | None = None) -> Request:
        """Return a request to the API; its official client does not read robots.txt either."""
        headers = {"Authorization": f"Bearer {self.token[1]}"} if self.token else None
        meta: dict[str, Any] = {
            "dont_cache": True,
            "dont_obey_robotstxt": True,
        }  # a listing has 10 GB, different each time
        meta[SHRINKS] = query.limit(url) > query.LEAST
        return self.request(url, callback, headers=headers, meta=meta)

    async def parse_listing(self, response: Response) -> AsyncIterator[ListingPage]:
        """Yield this page and all following ones."""
        assert response.request is not None
        redirected: list[str] = response.meta.get("redirect_urls", [])
        async for page in self._listing(redirected[0] if redirected else response.request.url, response):
            yield page

    async def parse_failure(self, failure: Failure) -> AsyncIterator[ListingPage]:
        """Yield the same after the request for the first page has failed."""
        url = failure.request.url  # type: ignore[attr-defined]  # Scrapy sets it
        async for page in self._listing(url, self.why(failure)):
            yield page

    async def parse(self, response: Response) -> AsyncIterator[Model | RejectedModel]:
        """Yield the models of one page.

        @hub_url /api/{plural}?sort=createdAt&limit=10&expand[]=sha&expand[]=tags&expand[]=likes
        @models 10 commit
        """
        try:
            _, listing = await self.json_array(response)
        except PageFailed as why:
            self.page_failed(response.url, why)
            return
        for item in self.models(listing):
            yield item

    async def _listing(self, url: str, answer: Response | PageFailed) -> AsyncIterator[ListingPage]:
        """Yield the pages from a URL on; each is fetched while the models of the previous one are processed."""
        while self.session.state.problem is None:
            try:
                page, listing = await self._usable(url, answer)
                kept: ResumePage | None = page.meta.get(KEPT)
                following = kept.following if kept else self.following(page)
            except PageFailed as why:
                self.page_failed(query.shown(url), why)
                return
            self._next, models = None, self._fetching_next(following, listing)
            item = ListingPage(url=kept.url if kept else page.url, following=following, body=page.body, models=models)
            try:
                yield item
                await item.processed.wait()
                if following is None:
                    return
                url, answer = following, await (self._next or self._answer(following))
            finally:
                if self._next is not None:
                    self._next.cancel()

    def _fetching_next(self, following: str | None, listing: list[Metadata]) -> Iterator[Model | RejectedModel]:
        """Yield the models of a page, which is already on the disk; the next page is fetched at the same time."""
        self._next = asyncio.create_task(self._answer(following)) if following else None
        yield from self.models(listing)

    async def _usable(self, url: str, answer: Response | PageFailed) -> tuple[Response, list[Metadata]]:
        """Return a page and its objects; a smaller one if the hub cannot provide all. Raise `PageFailed`."""
        failures = 0
        while True:
            try:
                return await self.json_array(self._page(url, answer))
            except PageFailed as why:
                if (easier := self._easier(url, why)) is None:
                    raise
                failures += why.is_too_large
            url, answer = easier, await self._answer(easier, failures)

    def _page(self, url: str, answer: Response | PageFailed) -> Response:
        """Return the answer, if it is a page. Raise `PageFailed`."""
        if isinstance(answer, PageFailed):
            raise answer
        if answer.status != 200:
            raise self.refused(answer)
        there = urlsplit(answer.url).netloc
        if there != urlsplit(url).netloc and there not in self._other_hosts:
            self._other_hosts.add(there)
            self.logger.info("%s redirects to %s, which does not get the token", self.hub_url, there)
        return answer

    async def _answer(self, url: str, failures: int = 0) -> Response | PageFailed:
        """Return the answer to a request, or its failure; earlier failures count for Scrapy's RetryMiddleware."""
        request = self.page(url)
        try:
            return await self.fetch(request.replace(meta={**request.meta, "retry_times": failures}))
        except PageFailed as why:
            return why

    def _easier(self, url: str, why: PageFailed) -> str | None:
        """Return a URL with fewer objects or fields, if that may help."""
        if why.is_too_large:
            return self.size.smaller(url)
        requested = query.fields(url)
        if not requested or why.response is None or why.response.status != 400:
            return None
        message = text(why.response)
        if "expand" not in message and "cursor=" in url:
            return None  # the hub refuses the position
        accepted = query.accepted(message) or frozenset()
        fewer = [name for name in requested if name in accepted]
        self._count_refused(requested, fewer if len(fewer) < len(requested) else [])
        return query.with_fields(url, fewer if len(fewer) < len(requested) else [])

    def _count_refused(self, requested: list[str], accepted: list[str]) -> None:
        """Count the fields that the hub no longer accepts: all of them if it refuses `expand` itself."""
        names = [name for name in requested if name not in accepted] if accepted else ["expand"]
        assert self.crawler.stats is not None
        for name in names:
            self.crawler.stats.inc_value(f"listing/departures/{name} {REFUSED}")
        self.logger.warning("%s no longer gives %s in its listing", self.hub, ", ".join(names))

    def following(self, page: Response) -> str | None:
        """Return the next page's URL, at the endpoint in use; None after the last page. Raise `PageFailed`."""
        link = linked(page)
        if link is None:
            return None
        url = query.at_endpoint(urljoin(page.url, link), self.hub_url, self.plural)
        if url is None or url in self.followed:
            raise PageFailed(f"names {printable(link)} as the next page", is_outdated=True)
        self.followed.add(url)
        return self.size.next(url)

    async def files(self, url: str, commit: str | None) -> list[tuple[int, bool]] | None:
        found: list[tuple[int, bool]] = []
        name = url.removeprefix(f"{self.hub_url}/{self.prefix}")
        page: str | None = f"{self.hub_url}/api/{self.plural}/{name}/tree/{commit or 'main'}?recursive=true"
        try:
            for _ in range(_TREE_PAGES):
                if page is None:
                    return found
                response = await self.fetch(self.page(page))
                found += huggingface.files(response.text)
                link = linked(response)
                page = link and query.at_endpoint(urljoin(response.url, link), self.hub_url, self.plural)
        except PageFailed:
            return None
        return found


def linked(response: Response) -> str | None:
    """Return the next page's URL from the answer. Raise `PageFailed`."""
    try:
        return next_link(b", ".join(response.headers.getlist("Link")).decode("latin-1"))
    except ValueError as error:
        raise PageFailed(f"its Link header cannot be read: {error}") from error
