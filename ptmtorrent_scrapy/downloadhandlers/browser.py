"""Download handler that loads pages in a browser."""

import asyncio

from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Request, Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

from ptmtorrent_scrapy.downloadhandlers.http import unless_stopped


class BrowserHandler(ScrapyPlaywrightDownloadHandler):  # type: ignore[misc] # which publishes no types
    """scrapy-playwright's handler with a time limit for scripts, which may run forever after the navigation."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._crawler = crawler
        self._seconds = crawler.settings.getfloat("PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT") / 1000 * 2

    async def download_request(self, request: Request) -> Response:
        if not request.meta.get("playwright"):
            return await self._load(request)
        request.meta["playwright_include_page"] = True
        try:
            async with asyncio.timeout(self._seconds):
                return await self._load(request)
        except TimeoutError:
            raise DownloadCancelledError(f"did not finish loading within {self._seconds:g} seconds") from None
        finally:
            if page := request.meta.pop("playwright_page", None):
                await page.close()

    async def _load(self, request: Request) -> Response:
        response: Response = await unless_stopped(self._crawler, super().download_request(request))
        return response
