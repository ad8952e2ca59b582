"""Around the spider and the downloader: the tree is claimed before the first request, and rate limits are kept."""

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
from ptmtorrent_scrapy.downloadhandlers.http import Stopped
from ptmtorrent_scrapy.formats import retry_after

logger = logging.getLogger(__name__)

# A host that does not answer for its robots.txt does not answer for its listing either, which is told in one line.
logging.getLogger("scrapy.downloadermiddlewares.robotstxt").setLevel(logging.CRITICAL)


class RateLimitMiddleware:
    """Downloader middleware: keeps within the requests that a server's `RateLimit` headers leave.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/, as Hugging Face sends them:
    `RateLimit: "api";r=497;t=168`, r requests in the next t seconds, and
    `RateLimit-Policy: "fixed window";"api";q=500;w=300`, q requests in windows of w seconds.

    A host's requests go at full speed while more than a tenth of the window's are left, then evenly spread over what is
    left of the window. An answer 429 is asked for again after the pause that the server names.

    A host that fails a request with `is_patient` rests as long as it says, else longer each time, before Scrapy's
    RetryMiddleware has it asked again; until it has failed for good.
    """

    def __init__(
        self,
        patience: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stopped: Callable[[], bool] = lambda: False,
        *,
        tries: int = 0,
        pause: float = 0.0,
    ) -> None:
        self._patience = patience
        self._tries = tries
        self._pause = pause  # seconds before the first repetition; each further one waits twice as long
        self._down: set[str] = set()  # hosts that have failed for good
        self._stopped = stopped
        self._clock = clock
        self._sleep = sleep
        self._not_before: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(
            options.whole("RATE_LIMIT_RETRIES", crawler.settings["RATE_LIMIT_RETRIES"]),
            stopped=lambda: not crawler.crawling,
            tries=crawler.settings.getint("RETRY_TIMES"),
            pause=options.duration("LISTING_RETRY_PAUSE", crawler.settings["LISTING_RETRY_PAUSE"]),
        )

    async def process_request(self, request: Request) -> None:
        host = urlparse_cached(request).netloc
        self._wait(host, request.meta.pop("pause", 0.0))
        while (wait := self._not_before.get(host, 0.0) - self._clock()) > 0:
            await self._sleep(min(wait, _LOOK))
            if self._stopped():
                raise Stopped("the crawl was stopped")

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        host = urlparse_cached(request).netloc
        left, seconds = _limit(response)
        if response.status >= 500:
            self._rest(request, host, response)
            return response
        self._down.discard(host)
        if response.status != 429:
            if left is not None and seconds is not None and left * 10 <= (_quota(response) or left * 10):
                self._wait(host, seconds + 1 if left == 0 else seconds / left)
            return response
        tries = request.meta.get("rate_limited", 0) + 1
        if tries > self._patience:
            return response
        pause = _pause(response, left, seconds, tries)
        logger.info("%s asks for a pause of %d seconds", host, pause)
        self._wait(host, pause)
        return request.replace(dont_filter=True, meta={**request.meta, "rate_limited": tries})

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._rest(request, urlparse_cached(request).netloc)

    def _rest(self, request: Request, host: str, response: Response | None = None) -> None:
        """A host has failed; what is asked of it next has to wait."""
        tries = request.meta.get("retry_times", 0)
        if not request.meta.get("is_patient") or request.meta.get("dont_retry") or host in self._down:
            return
        if tries >= self._tries:
            self._down.add(host)
            return
        header = response.headers.get("Retry-After") if response else None
        asked = retry_after.seconds((header or b"").decode("latin-1"))
        self._wait(host, self._pause * 2.0**tries if asked is None else asked)

    def _wait(self, host: str, seconds: float) -> None:
        self._not_before[host] = max(self._not_before.get(host, 0.0), self._clock() + seconds)


_LOOK = 1.0  # seconds between looks at whether the crawl was stopped


def _pause(response: Response, left: int | None, seconds: int | None, tries: int) -> float:
    """Seconds to wait after a 429."""
    header = (response.headers.get("Retry-After") or b"").decode("latin-1")
    if left == 0 and seconds is not None:
        pause = seconds + 1.0
    elif (asked := retry_after.seconds(header)) is not None:
        pause = asked
    else:
        pause = 2.0**tries
    return min(pause, retry_after.LONGEST_PAUSE)


def _limit(response: Response) -> tuple[int | None, int | None]:
    """(requests left, seconds until the window ends)."""
    header = (response.headers.get("RateLimit") or b"").decode("latin-1")
    return _parameter(header, "r"), _parameter(header, "t")


def _quota(response: Response) -> int | None:
    return _parameter((response.headers.get("RateLimit-Policy") or b"").decode("latin-1"), "q")


def _parameter(header: str, name: str) -> int | None:
    match = re.search(rf";\s*{name}=(\d{{1,9}})(?!\d)", header)
    return int(match[1]) if match else None
