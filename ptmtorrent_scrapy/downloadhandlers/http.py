"""Download handlers for files and pages: with limits, and never longer than the crawl runs."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from scrapy.core.downloader.handlers.file import FileDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, DownloadCancelledError, IgnoreRequest
from scrapy.http import Request, Response
from scrapy.utils.httpobj import urlparse_cached
from w3lib.url import file_uri_to_path

from ptmtorrent_scrapy.downloadhandlers.errors import explain
from ptmtorrent_scrapy.downloadhandlers.headers import BoundedFactory
from ptmtorrent_scrapy.downloadhandlers.resolver import policy, refusal
from ptmtorrent_scrapy.network.addresses import AddressRefused, origin
from ptmtorrent_scrapy.network.connections import Network

_CHECK = 0.5  # seconds between checks whether the crawl was stopped
_ROBOTS = 512_000  # bytes of a robots.txt: RFC 9309, 2.5, requires at least 500 KiB
T = TypeVar("T")


class Stopped(IgnoreRequest):
    """The crawl was stopped before the answer came."""


class ServerRefused(DownloadCancelledError):
    """The server has a refused address; another request does not help."""


async def unless_stopped(crawler: Crawler, download: Coroutine[Any, Any, T]) -> T:
    """Return the result of a download. Raise `Stopped` if the crawl ends first: the last answer may take minutes."""
    task = asyncio.ensure_future(download)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_CHECK)
            if not task.done() and not crawler.crawling:
                raise Stopped("the crawl was stopped")
        return task.result()
    finally:
        task.cancel()


class FileHandler(FileDownloadHandler):
    """Scrapy's handler, but respects DOWNLOAD_MAXSIZE: a file of a clone is as hostile as an answer."""

    async def download_request(self, request: Request) -> Response:
        largest = request.meta.get("download_maxsize", self.crawler.settings.getint("DOWNLOAD_MAXSIZE"))
        size = Path(file_uri_to_path(request.url)).stat().st_size
        if size > largest:
            raise DownloadCancelledError(f"{size} bytes are more than the {largest} that such a page can have")
        return await super().download_request(request)


class HttpHandler(HTTP11DownloadHandler):
    """Scrapy's handler, but stopping a crawl does not wait for it, headers are limited, and errors name the host.

    It connects to no refused address, whether by a redirect, a link or a name.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = BoundedFactory
        self._network = Network(policy=policy(crawler.settings))

    async def download_request(self, request: Request) -> Response:
        if urlparse_cached(request).path == "/robots.txt":
            request.meta.setdefault("download_maxsize", _ROBOTS)
        if request.meta.get("proxy"):
            await self._check_name(request.url)
        try:
            return await unless_stopped(self.crawler, super().download_request(request))
        except Exception as error:
            if isinstance(error, CannotResolveHostError) and (refused := refusal(request.url)):
                raise ServerRefused(refused) from None
            settings = " and ".join(getattr(self.crawler.spider, "url_settings", ())) or "its URL"
            if (why := explain(error, request, settings)) is None:
                raise
            error.args = (why,)  # the error keeps its type, by which RetryMiddleware decides
            raise

    async def _check_name(self, url: str) -> None:
        """Raise `ServerRefused` for a server that a proxy would reach at an address that is refused."""
        if place := origin(url):
            try:
                await asyncio.to_thread(self._network.check_name, *place)
            except AddressRefused as error:
                raise ServerRefused(str(error)) from None
