"""Clone the repositories of the records on disk, instead of the phases after a listing."""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any, Self

import orjson
from scrapy import signals
from scrapy.crawler import Crawler

from ptmtorrent_scrapy.catalog import CollectedHub, Pair
from ptmtorrent_scrapy.crawl.hub import Hub
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason, Phase
from ptmtorrent_scrapy.extensions.after_listing import AfterListing
from ptmtorrent_scrapy.extensions.phases import clone_chosen
from ptmtorrent_scrapy.formats.times import ago
from ptmtorrent_scrapy.items import Model
from ptmtorrent_scrapy.records.paths import set_repository_paths
from ptmtorrent_scrapy.spiders.from_records import FromRecords

logger = logging.getLogger(__name__)


class CloneRecords(AfterListing):
    """Extension: selects from the records, clones, and adds the paths of the clones to the records."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        crawl = CrawlSession.of(crawler)
        crawl.database = crawl.tree.work.with_name(f".{crawl.tree.hub}~clone")  # an interrupted listing stays
        extension = cls(crawler, crawl)
        crawler.signals.connect(extension.run, signals.spider_idle)
        return extension

    async def work(self) -> FinishReason:
        models = await asyncio.to_thread(self._select)
        self.crawl.stats.set_value("listing/models", models)
        self.crawl.state.phase = Phase.CLONING
        reason = await clone_chosen(self.crawl, models)
        self.crawl.state.phase = Phase.WRITING
        await asyncio.to_thread(set_repository_paths, self.crawl.tree)
        return reason or (FinishReason.FAILED if self.crawl.state.faults else FinishReason.FINISHED)

    def _select(self) -> int:
        """Store all models of the records, and whether each is selected; return their number."""
        spider, models = self.crawl.spider, 0
        retried = self._retried() if isinstance(spider, FromRecords) and spider.retry is not None else None
        hub = CollectedHub(self.crawl.tree.root, self.crawl.tree.hub)
        if retried is not None and not retried:
            logger.warning("nothing to retry: no repository's last clone has this status")
        with hub.open() as pair:
            if pair.written is not None:
                self.crawl.state.records_age = max(0.0, time.time() - pair.written)
                age = ago(self.crawl.state.records_age)
                logger.info("cloning from the records of %s, listed %s", spider.hub, age)
            for model in _models(spider, pair):
                wanted = spider.selection.wants(model) and (retried is None or model.repository in retried)
                self.crawl.matches.see(model)
                models += self.crawl.listing.add(model, wanted=wanted, rank=spider.selection.rank(model))
        for line in hub.faults.lines():
            logger.warning("%s", line)
        return models

    def _retried(self) -> frozenset[str]:
        """Return the URLs of the repositories whose last result is to be tried again."""
        spider = self.crawl.spider
        assert isinstance(spider, FromRecords)
        lines = map(orjson.loads, self.crawl.listing.results())
        return frozenset(line["url"] for line in lines if line.get("status") in (spider.retry or ()))


def _models(spider: Hub, pair: Pair) -> Iterator[Model]:
    """Yield one model per record, or per object of datasets and spaces, which have no records."""
    if pair.has_records:
        for record, found in pair.records():
            if model := spider.recorded(record, found):
                yield model
    else:
        for _, found in pair.objects(spider.metadata):
            if model := spider.recorded({}, found):
                yield model


def is_collected(tree_hub: CollectedHub) -> bool:
    """Return whether a hub has records, or objects of datasets or spaces, to clone from."""
    with tree_hub.open() as pair:
        found: Any = pair.has_records or pair.metadata
    return bool(found)
