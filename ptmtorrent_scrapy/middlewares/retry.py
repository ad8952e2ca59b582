"""Has pages that failed asked for again."""

from scrapy import Request
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.request_meta import SHRINKS

_TOO_MUCH = 504  # the hub's own time limit


class PageRetryMiddleware(RetryMiddleware):
    """Downloader middleware: Scrapy's own, but a page that is too much for the hub goes back to its spider at once.

    The spider asks for a smaller one; the same would fail again, after a minute or three.
    """

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        if response.status == _TOO_MUCH and request.meta.get(SHRINKS):
            return response
        return super().process_response(request, response)

    def process_exception(self, request: Request, exception: Exception) -> Request | Response | None:  # type: ignore[override]
        if isinstance(exception, DownloadTimeoutError | DownloadCancelledError) and request.meta.get(SHRINKS):
            return None
        return super().process_exception(request, exception)
