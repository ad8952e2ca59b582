"""Run the pipelines, and end the listing at their first error."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from inspect import isawaitable
from itertools import islice
from typing import Any

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals
from scrapy.exceptions import DropItem, NotConfigured
from scrapy.pipelines import ItemPipelineManager

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.garbage import collect_rarely
from ptmtorrent_scrapy.items import ListingPage
from ptmtorrent_scrapy.storage.disk_errors import described

logger = logging.getLogger(__name__)

_AT_ONCE = 50  # models, which take some milliseconds; then the event loop runs the next page and signals


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
        collect_rarely()
        if not self._mw_methods_requiring_spider:
            self._processes = tuple(process for process in self.methods["process_item"] if process is not None)

    async def process_item_async(self, item: Any) -> Any:
        if self._crawl is None:
            return await super().process_item_async(item)
        if not isinstance(item, ListingPage):
            return await self._process(item)
        try:
            await self._process(item)
            await self._process_models(item.models)
        except DropItem:
            raise
        except Exception as error:
            self._fail(error)
        finally:
            item.processed.set()
        return item

    async def _process_models(self, models: Iterable[Any]) -> None:
        """Pass the models of a page through the pipelines, without Scrapy's signals if nothing receives them.

        Scrapy's own path from the spider to the pipelines takes as long as parser and pipelines. Some models
        are made at once, since alternating between parser and pipelines for each model takes a quarter longer.
        """
        assert self._crawl is not None
        process, rest = self._process_watched if self._is_watched() else self._process, iter(models)
        while batch := list(islice(rest, _AT_ONCE)):
            for model in batch:
                if self._crawl.state.problem is not None:
                    return
                with contextlib.suppress(DropItem):
                    await process(model)
            await asyncio.sleep(0)

    async def _process_watched(self, model: Any) -> None:
        """Pass a model through the pipelines as Scrapy does, with its signals."""
        assert self.crawler is not None
        assert self.crawler.engine is not None
        await self.crawler.engine.scraper.start_itemproc_async(model, response=None)

    def _is_watched(self) -> bool:
        """Return whether a component, such as Scrapy's feed exports, receives the signals of items."""
        assert self.crawler is not None
        sender, watched = self.crawler.signals.sender, (signals.item_scraped, signals.item_dropped)
        return any(True for signal in watched for _ in liveReceivers(getAllReceivers(sender, signal)))

    async def _process(self, item: Any) -> Any:
        """Return the item after all pipelines. Raise `DropItem`, also after an error, which ends the listing."""
        assert self._crawl is not None
        if self._crawl.state.problem is not None:
            raise DropItem("the listing has failed")
        try:
            return await self._processed(item)
        except DropItem:
            raise
        except Exception as error:
            self._fail(error)
        raise DropItem("the listing has failed")

    def _fail(self, error: Exception) -> None:
        """End the listing."""
        assert self._crawl is not None
        if isinstance(error, OSError):
            self._crawl.spider.listing_failed(described(error))
            return
        logger.error("internal error; %s", PLEASE_REPORT, exc_info=error)
        self._crawl.state.faults += 1
        self._crawl.spider.listing_failed("internal error")

    async def _processed(self, item: Any) -> Any:
        """Return the item after all pipelines; this takes a third of the time of Scrapy's own loop."""
        if not self._processes:
            return await super().process_item_async(item)
        for process in self._processes:
            processed = process(item)
            if processed is not item:
                item = await processed if isawaitable(processed) else processed
        return item
