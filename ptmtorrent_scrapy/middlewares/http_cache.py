"""Cache pages, so that none is sent twice: conditional requests (RFC 9110, section 13), and resumed listings.

A page is asked for each time, with the `ETag` or `Last-Modified` that it came with, and the server says whether it is
still the same. One that came after the last complete listing is of an interrupted one, and is not asked for at all.
"""

import hashlib
import json
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.httpcache import HttpCacheMiddleware
from scrapy.extensions.httpcache import RFC2616Policy
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from scrapy.settings import BaseSettings, Settings
from scrapy.statscollectors import StatsCollector
from scrapy.utils.httpobj import urlparse_cached

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.request_meta import AGAIN, CACHED_AT
from ptmtorrent_scrapy.storage.atomic import digest, write

_KEPT = ("ETag", "Last-Modified", "Content-Type", "Content-Encoding", "Cache-Control", "Date")


class PageCacheMiddleware(HttpCacheMiddleware):
    """Downloader middleware: Scrapy's cache, except that an old page never replaces a failed request."""

    DOWNLOAD_EXCEPTIONS = ()  # type: ignore[assignment] # after which Scrapy's own answers with the old page

    def __init__(self, settings: Settings, stats: StatsCollector) -> None:
        super().__init__(settings, stats)
        self._longest = options.duration("LISTING_MAX_AGE", settings["LISTING_MAX_AGE"])

    def spider_opened(self, spider: Spider) -> None:
        super().spider_opened(spider)
        self.policy.since = max(_listed(self.storage.folder.parent, spider), time.time() - self._longest)


class Policy(RFC2616Policy):
    """A cached page is fresh if it is of the present listing, else it is requested conditionally."""

    since = 0.0  # when the last listing was completed, in seconds of the epoch

    def should_cache_request(self, request: Request) -> bool:
        return super().should_cache_request(request) and urlparse_cached(request).path != "/robots.txt"

    def should_cache_response(self, response: Response, request: Request) -> bool:
        return response.status == 200

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        kept_at = request.meta.get(CACHED_AT, 0.0)
        if self.since < kept_at <= time.time() and not request.meta.get(AGAIN):  # times in the future do not count
            return True
        self._set_conditional_validators(request, cachedresponse)
        return False

    def is_cached_response_valid(self, cachedresponse: Response, response: Response, request: Request) -> bool:
        return response.status == 304


class PageStore:
    """One file per page: a line of JSON about it, then the page as received."""

    def __init__(self, settings: BaseSettings) -> None:
        self.folder = Path(settings["HTTPCACHE_DIR"])

    def open_spider(self, spider: Spider) -> None:
        """Do nothing: Scrapy calls it."""

    def close_spider(self, spider: Spider) -> None:
        """Do nothing: Scrapy calls it."""

    def retrieve_response(self, spider: Spider, request: Request) -> Response | None:
        try:
            head, _, body = self._path(request).read_bytes().partition(b"\n")
            about: dict[str, Any] = json.loads(head)
            if about["digest"] != digest(body):
                return None
            headers = Headers(about["headers"])
            kind = responsetypes.from_args(headers=headers, url=about["url"], body=body)
            request.meta[CACHED_AT] = about["at"]
            return kind(url=about["url"], status=200, headers=headers, body=body)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def store_response(self, spider: Spider, request: Request, response: Response) -> None:
        headers = {name: value.decode("latin-1") for name in _KEPT if (value := response.headers.get(name))}
        about = {
            "url": response.url,
            "at": time.time(),
            "digest": digest(response.body),
            "headers": {"Date": formatdate(usegmt=True), **headers},
        }
        write(self._path(request), json.dumps(about).encode() + b"\n" + response.body)

    def _path(self, request: Request) -> Path:
        return self.folder / hashlib.blake2b(request.url.encode(), digest_size=16).hexdigest()


def _listed(hub: Path, spider: Spider) -> float:
    """Return when the last listing was completed, in seconds of the epoch."""
    try:
        return (hub / "json" / "metadata" / getattr(spider, "metadata", "")).stat().st_mtime
    except OSError:
        return 0.0
