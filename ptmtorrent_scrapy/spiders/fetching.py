"""Fetch the pages and clones that list a hub, and give up a listing."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.backoff import backoff
from ptmtorrent_scrapy.crawl.hub import Hub
from ptmtorrent_scrapy.crawl.pages import PageFailed, failed, refused
from ptmtorrent_scrapy.crawl.request_meta import AGAIN, PATIENT, PAUSE
from ptmtorrent_scrapy.crawl.session import ClonesRepositories, CrawlSession
from ptmtorrent_scrapy.formats.encoding import decoded
from ptmtorrent_scrapy.formats.markdown import TooDeep
from ptmtorrent_scrapy.formats.raw_json import elements
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import USABLE
from ptmtorrent_scrapy.items import Metadata
from ptmtorrent_scrapy.parsers.limited import TooSlow, limited

T = TypeVar("T")

_SHORT = 1 << 15  # characters; parsing more could take over a second
_MOST_VALUES = 4_000_000  # in a page: about 500 MB of memory; 1,000 models have about 200,000, mostly names of files


class FetchingSpider(Hub, Spider):
    """A spider that fetches required pages, and keeps previous data if it fails."""

    token_setting: ClassVar[str] = ""  # the setting of the hub's token

    @cached_property
    def session(self) -> CrawlSession:
        """Return the crawl of this spider, also after its end."""
        return CrawlSession.of(self.crawler)

    @property
    def _cloner(self) -> ClonesRepositories:
        assert self.session.cloner is not None
        return self.session.cloner

    def request(
        self, url: str, callback: Callable[..., Any] | None, meta: dict[str, Any] | None = None, **options: Any
    ) -> Request:
        """Return a request for a required page: a failing host gets time."""
        meta = {PATIENT: True, **(meta or {})}
        return Request(url, callback, errback=self.give_up, dont_filter=True, meta=meta, **options)

    async def fetch(self, request: Request) -> Response:
        """Return the answer to a request inside a callback. Raise `PageFailed`."""
        try:
            response = await self.crawler.engine.download_async(request)
        except Exception as error:
            raise failed(error) from error
        if response.status != 200:
            raise self.refused(response)
        return response

    async def fetch_or_kept(self, request: Request, path: str) -> Response:
        """Return the answer to a request; after a temporary fault, the page that an earlier crawl wrote to `path`.

        Raise `PageFailed`.
        """
        try:
            return await self.fetch(request)
        except PageFailed as why:
            if why.is_permanent:
                raise
            if (page := await self.kept_page(path)) is None:
                self.session.state.passing_losses += 1
                raise
            return page

    async def kept_page(self, path: str, *, unless: Callable[[bytes], bool] | None = None) -> Response | None:
        """Return the page that an earlier crawl wrote to a path below the hub's folder, with a `file:` URL.

        A page for which `unless` is true is not used.
        """
        url = self.session.tree.page(path).absolute().as_uri()
        try:
            page = await self.fetch(Request(url, dont_filter=True, meta={"dont_retry": True}))
        except PageFailed:
            return None
        if unless is not None and unless(page.body):
            return None
        self.session.stats.inc_value("pages/earlier")
        return page

    def refused(self, response: Response) -> PageFailed:
        """Return the error for an answer with a status other than 200."""
        return refused(response, token_setting=self.token_setting, has_token=self.token is not None)

    async def clone(self, url: str, folder: str) -> Path | None:
        """Return the path of the clone of the listing's repository; None after the listing has failed."""
        try:
            outcome = await self._cloner.clone_now(url, folder)
        except GitError as error:
            self.listing_failed(f"{url}: {error}")
            return None
        if outcome.path is None or outcome.status not in USABLE:
            self.listing_failed(f"{url} cannot be cloned ({outcome.status}): {outcome.error}")
            return None
        return Path(outcome.path)

    async def last_commits(self, clone: Path) -> dict[str, str]:
        """Return the last commit that changed each file and folder of a clone; none after the listing has failed."""
        try:
            return await self._cloner.last_commits(clone)
        except GitError as error:
            self.listing_failed(f"{clone}: {error}")
            return {}

    async def parsed(self, function: Callable[..., T], text: str, *values: Any) -> T:
        """Return the result of a parser for a text; a long text is parsed in another process. Raise `PageFailed`."""
        try:
            if len(text) < _SHORT:
                return await asyncio.to_thread(function, text, *values)
            return await asyncio.to_thread(limited, function, text, *values)
        except (TooSlow, TooDeep) as error:
            raise PageFailed(str(error)) from error

    async def contents(self, clone: Path, names: list[str]) -> dict[str, bytes]:
        """Return the contents of small files of a clone's HEAD, by name; none if git fails: the listing has failed."""
        try:
            return await self._cloner.contents(clone, names)
        except GitError as error:
            self.listing_failed(f"{clone}: {error}")
            return {}

    async def json_array(
        self, response: Response, of: Callable[[str], list[Metadata]] = elements
    ) -> tuple[Response, list[Metadata]]:
        """Return an answer with a JSON array, and its elements; request an answer without one again.

        `of` parses the text and raises `ValueError` or `RecursionError`. Raise `PageFailed`.
        """
        pause = options.duration("LISTING_RETRY_PAUSE", self.settings["LISTING_RETRY_PAUSE"])
        for failures in itertools.count():
            try:
                return response, of(json_text(response))
            except (ValueError, RecursionError) as error:
                if failures == self.settings.getint("RETRY_TIMES"):
                    raise PageFailed(f"does not answer with a JSON array: {error}") from error
            assert response.request is not None
            meta = {**response.request.meta, AGAIN: True, PAUSE: backoff(pause, failures)}
            response = await self.fetch(response.request.replace(dont_filter=True, meta=meta))
        raise AssertionError

    def give_up(self, failure: Failure) -> None:
        """End the listing, since a page of it could not be fetched."""
        self.page_failed(failure.request.url, self.why(failure))  # type: ignore[attr-defined]  # Scrapy sets it

    def why(self, failure: Failure) -> PageFailed:
        """Return the `PageFailed` for a failed request."""
        error = failure.value
        assert error is not None
        return self.refused(error.response) if isinstance(error, HttpError) else failed(error)

    def page_failed(self, url: str, why: PageFailed) -> None:
        """End the listing, since the page at a URL could not be fetched."""
        self.session.state.is_listing_outdated = why.is_outdated
        self.listing_failed(f"{url}: {why}")

    def listing_failed(self, why: str) -> None:
        self.logger.error("%s could not be listed; previous data is kept: %s", self.hub, why)
        self.session.state.problem = why


async def map_ordered(calls: Iterable[Coroutine[Any, Any, T]], ahead: int = 8) -> AsyncIterator[T]:
    """Yield the results of calls in order; some calls run ahead."""
    made: deque[asyncio.Task[T]] = deque()
    try:
        for call in calls:
            made.append(asyncio.create_task(call))
            if len(made) > ahead:
                yield await made.popleft()
        while made:
            yield await made.popleft()
    finally:
        for task in made:
            task.cancel()


def text(response: Response) -> str:
    """Return the text of an answer, without a byte order mark."""
    return decoded(response.body)


def json_text(response: Response) -> str:
    """Return the text of a JSON answer. Raise `PageFailed` if its values would fill the memory."""
    if sum(map(response.body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise PageFailed(f"has more than {_MOST_VALUES:,} values", is_too_large=True)
    return text(response)
