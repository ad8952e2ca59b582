"""Run the work after a listing: once the spider has no request left, while the engine is kept open."""

import asyncio
import logging
from abc import ABC, abstractmethod

from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.cloning.executor import ClusterLost
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import CrawlState, FinishReason
from ptmtorrent_scrapy.git.errors import Cancelled
from ptmtorrent_scrapy.storage.disk_errors import described, is_full

logger = logging.getLogger(__name__)


class AfterListing(ABC):
    """Base of extensions that continue a crawl; `run` is connected to `spider_idle`."""

    def __init__(self, crawler: Crawler, crawl: CrawlSession) -> None:
        self.crawler = crawler
        self.crawl = crawl
        self._closing: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Start the work, and keep the engine open until it has ended. Raise `DontCloseSpider`."""
        if self.crawl.after_listing is None:
            self.crawl.after_listing = asyncio.create_task(self._ended())
            self.crawl.after_listing.add_done_callback(self._close_spider)
        raise DontCloseSpider

    @abstractmethod
    async def work(self) -> FinishReason:
        """Do the work after the listing; return why the crawl closes. Raise `Cancelled`, `ClusterLost`, `OSError`."""

    def _close_spider(self, work: asyncio.Task[FinishReason]) -> None:
        if self.crawler.engine.spider is not None:
            self._closing = asyncio.create_task(self.crawler.engine.close_spider_async(reason=work.result().value))

    async def _ended(self) -> FinishReason:
        """Return why the crawl closes; log a failure in one line."""
        try:
            return await self.work()
        except (Cancelled, asyncio.CancelledError):  # the latter if a cluster is lost when the crawl is stopped
            return FinishReason.CANCELLED
        except (OSError, ClusterLost) as error:
            return _failed(self.crawl.state, error)
        except Exception:
            self.crawl.state.problem = f"internal error; {PLEASE_REPORT}"
            logger.exception("%s", self.crawl.state.problem)
            return FinishReason.FAILED


def _failed(state: CrawlState, error: OSError | ClusterLost) -> FinishReason:
    """Log a fault of a machine unless it was logged before; return its kind."""
    if state.problem is None:
        state.problem = f"{_described(error)}; previous data was kept"
        logger.error("%s", state.problem)
    return FinishReason.NO_SPACE if is_full(error) else FinishReason.FAILED


def _described(error: OSError | ClusterLost) -> str:
    return described(error) if isinstance(error, OSError) else str(error)
