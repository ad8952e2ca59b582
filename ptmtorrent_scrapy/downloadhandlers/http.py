"""How Scrapy gets what is asked for: files, and pages that nobody waits for once the crawl is stopped."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from scrapy.core.downloader.handlers.file import FileDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Request, Response
from w3lib.url import file_uri_to_path

_LOOK = 0.5  # seconds between looks at whether the crawl was stopped
T = TypeVar("T")


class Stopped(IgnoreRequest):
    """The crawl was stopped before the answer came."""


async def unless_stopped(crawler: Crawler, download: Coroutine[Any, Any, T]) -> T:
    """What a download brings. Scrapy ends after the last answer, which may take minutes: raises `Stopped` instead."""
    task = asyncio.ensure_future(download)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_LOOK)
            if not task.done() and not crawler.crawling:
                raise Stopped("the crawl was stopped")
        return task.result()
    finally:
        task.cancel()


class FileHandler(FileDownloadHandler):
    """Scrapy's own, which knows no DOWNLOAD_MAXSIZE: what lies in a clone is as hostile as an answer."""

    async def download_request(self, request: Request) -> Response:
        largest = request.meta.get("download_maxsize", self.crawler.settings.getint("DOWNLOAD_MAXSIZE"))
        size = Path(file_uri_to_path(request.url)).stat().st_size
        if size > largest:
            raise DownloadCancelledError(f"{size} bytes are more than the {largest} that such a page can have")
        return await super().download_request(request)


class HttpHandler(HTTP11DownloadHandler):
    """Scrapy's own, which a crawl that is stopped waits for."""

    async def download_request(self, request: Request) -> Response:
        return await unless_stopped(self.crawler, super().download_request(request))
