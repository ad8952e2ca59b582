"""Retry failed pages."""

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.request_meta import SHRINKS

_TOO_MUCH = 504  # the hub's own time limit


class PageRetryMiddleware(RetryMiddleware):
    """Downloader middleware: Scrapy's, but a page that is too large for the hub goes back to its spider at once.

    The spider requests a smaller one; the same page would fail again, after a minute or more.
    """

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        if response.status == _TOO_MUCH and request.meta.get(SHRINKS):
            return response
        return super().process_response(request, response)

    def process_exception(self, request: Request, exception: Exception) -> Request | Response | None:  # type: ignore[override]
        if isinstance(exception, DownloadTimeoutError | DownloadCancelledError) and request.meta.get(SHRINKS):
            return None
        return super().process_exception(request, exception)
