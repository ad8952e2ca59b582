"""Runs the pipelines, and ends the listing at the first error of one."""

import logging
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from scrapy.exceptions import DropItem, NotConfigured
from scrapy.pipelines import ItemPipelineManager

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.storage.disk_errors import described

logger = logging.getLogger(__name__)


class ItemProcessor(ItemPipelineManager):
    """Scrapy's own manager, except that nothing is written after an error, when files may be incomplete.

    Errors of the disk and internal errors end the listing as failed, with one line; previous data is kept.
    """

    _crawl: CrawlSession | None = None
    _processes: tuple[Callable[[Any], Any], ...] = ()

    async def open_spider_async(self) -> None:
        await super().open_spider_async()
        assert self.crawler is not None
        try:
            self._crawl = CrawlSession.of(self.crawler)
        except NotConfigured:  # a spider of another project
            return
        if not self._mw_methods_requiring_spider:
            self._processes = tuple(process for process in self.methods["process_item"] if process is not None)

    async def process_item_async(self, item: Any) -> Any:
        if self._crawl is None:
            return await super().process_item_async(item)
        if self._crawl.state.problem is not None:
            raise DropItem("the listing has failed")
        try:
            return await self._processed(item)
        except DropItem:
            raise
        except OSError as error:
            self._crawl.spider.listing_failed(described(error))
        except Exception:
            logger.exception("internal error; %s", PLEASE_REPORT)
            self._crawl.state.faults += 1
            self._crawl.spider.listing_failed("internal error")
        raise DropItem("the listing has failed")

    async def _processed(self, item: Any) -> Any:
        """Return the item after all pipelines; this takes a third of the time of Scrapy's own loop."""
        if not self._processes:
            return await super().process_item_async(item)
        for process in self._processes:
            item = process(item)
            if isawaitable(item):
                item = await item
        return item
