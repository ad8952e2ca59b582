"""Respect the rate limits that servers announce, and pause requests to a failing host."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.backoff import LONGEST, backoff
from ptmtorrent_scrapy.crawl.hub import Hub
from ptmtorrent_scrapy.crawl.request_meta import PATIENT, PAUSE, RATE_LIMITED
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import CrawlState
from ptmtorrent_scrapy.downloadhandlers.http import Stopped
from ptmtorrent_scrapy.formats import retry_after

logger = logging.getLogger(__name__)

_CHECK = 1.0  # seconds between checks whether the crawl was stopped
_WORTH_A_LINE = 60.0  # seconds
_LIMIT = "the rate limit"
_FAILED = "a server that failed"


class RateLimitMiddleware:
    """Downloader middleware: keeps within the requests that a server's `RateLimit` headers leave.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/, as Hugging Face sends them:
    `RateLimit: "api";r=497;t=168`, r requests in the next t seconds, and
    `RateLimit-Policy: "fixed window";"api";q=500;w=300`, q requests in windows of w seconds.

    Requests to a host run at full speed while more than a tenth of the window's requests are left; the rest is spread
    evenly over the window. After a 429 a request is repeated after the pause that the server demands.

    If a request with `PATIENT` fails, its host is paused as long as it demands, else longer each time, before Scrapy's
    RetryMiddleware repeats the request, until it has failed finally. A pause is at most `longest` seconds.
    """

    def __init__(
        self,
        retries: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stopped: Callable[[], bool] = lambda: False,
        *,
        tries: int = 0,
        pause: float = 0.0,
        longest: float = LONGEST,
        state: CrawlState | None = None,
    ) -> None:
        self._state = state or CrawlState()  # for the display of waits
        self._retries = retries  # after a 429
        self._tries = tries
        self._pause = pause  # seconds before the first repetition; each further one waits twice as long
        self._longest = longest
        self._down: set[str] = set()  # hosts that have failed for good
        self._stopped = stopped
        self._clock = clock
        self._sleep = sleep
        self._not_before: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        return cls(
            options.whole("RATE_LIMIT_RETRIES", settings["RATE_LIMIT_RETRIES"]),
            stopped=lambda: not crawler.crawling,
            tries=settings.getint("RETRY_TIMES"),
            pause=options.duration("LISTING_RETRY_PAUSE", settings["LISTING_RETRY_PAUSE"]),
            longest=options.duration("RATE_LIMIT_MAX_WAIT", settings["RATE_LIMIT_MAX_WAIT"]),
            state=CrawlSession.of(crawler).state if isinstance(crawler.spider, Hub) else None,
        )

    async def process_request(self, request: Request) -> None:
        host = urlparse_cached(request).netloc
        self._wait(host, request.meta.pop(PAUSE, 0.0), _FAILED)
        while (wait := self._not_before.get(host, 0.0) - self._clock()) > 0:
            await self._sleep(min(wait, _CHECK))
            if self._stopped():
                raise Stopped("the crawl was stopped")

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        host = urlparse_cached(request).netloc
        left, seconds = _limit(response)
        if response.status >= 500:
            self._rest(request, host, response)
            return response
        self._down.discard(host)
        if left is not None:
            self._state.requests_left = left
        if response.status != 429:
            if left is not None and seconds is not None and left * 10 <= (_quota(response) or left * 10):
                self._wait(host, seconds + 1 if left == 0 else seconds / left, _LIMIT)
            return response
        tries = request.meta.get(RATE_LIMITED, 0) + 1
        if tries > self._retries:
            return response
        self._wait(host, _pause(response, left, seconds, tries), _LIMIT)
        return request.replace(dont_filter=True, meta={**request.meta, RATE_LIMITED: tries})

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._rest(request, urlparse_cached(request).netloc)

    def _rest(self, request: Request, host: str, response: Response | None = None) -> None:
        """Let a host wait that has failed."""
        failures = request.meta.get("retry_times", 0)
        if not request.meta.get(PATIENT) or request.meta.get("dont_retry") or host in self._down:
            return
        if failures >= self._tries:
            self._down.add(host)
            return
        pause = _retry_after(response) if response else None
        self._wait(host, backoff(self._pause, failures) if pause is None else pause, _FAILED)

    def _wait(self, host: str, seconds: float, why: str) -> None:
        seconds = min(seconds, self._longest)
        until = self._clock() + seconds
        if until <= self._not_before.get(host, 0.0):
            return
        self._not_before[host] = until
        self._state.waits_until, self._state.waits_for = until, why
        if seconds > _WORTH_A_LINE:
            logger.info("waiting %d seconds for %s (%s)", seconds, why, host)


def _pause(response: Response, left: int | None, seconds: int | None, tries: int) -> float:
    """Return the seconds to wait after a 429."""
    if left == 0 and seconds is not None:
        return seconds + 1.0
    pause = _retry_after(response)
    return backoff(1.0, tries) if pause is None else pause


def _retry_after(response: Response) -> float | None:
    return retry_after.seconds((response.headers.get("Retry-After") or b"").decode("latin-1"))


def _limit(response: Response) -> tuple[int | None, int | None]:
    """Return (requests left, seconds until the window ends), at most the window's length."""
    header = (response.headers.get("RateLimit") or b"").decode("latin-1")
    left, seconds, window = _parameter(header, "r"), _parameter(header, "t"), _parameter(_policy(response), "w")
    return left, seconds if seconds is None or window is None else min(seconds, window)


def _quota(response: Response) -> int | None:
    return _parameter(_policy(response), "q")


def _policy(response: Response) -> str:
    return (response.headers.get("RateLimit-Policy") or b"").decode("latin-1")


def _parameter(header: str, name: str) -> int | None:
    match = re.search(rf";\s*{name}=(\d{{1,9}})(?!\d)", header)
    return int(match[1]) if match else None
