"""The phases of a crawl: list the complete hub, clone the chosen repositories, complete the records."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Self, TypeVar

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason, Phase
from ptmtorrent_scrapy.extensions.after_listing import AfterListing
from ptmtorrent_scrapy.extensions.crawl_log import CrawlLog
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.pipelines import MetadataPipeline, RecordPipeline
from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile
from ptmtorrent_scrapy.storage.disk_errors import described

logger = logging.getLogger(__name__)

_NAMED = 10  # unknown ids that are named
T = TypeVar("T")


class Phases(AfterListing):
    """Extension: runs the phases that follow the spider's requests."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        phases = cls(crawler, CrawlSession.of(crawler))
        crawler.signals.connect(phases.run, signals.spider_idle)
        crawler.signals.connect(phases.count_fault, signals.item_error)
        crawler.signals.connect(phases.give_up, signals.spider_error)
        return phases

    def count_fault(self) -> None:
        """Count an item that was lost to an error of this program; the crawl does not end as finished."""
        self.crawl.state.faults += 1

    def give_up(self) -> None:
        """End the listing: an internal error ended a callback, so an unknown part of the models is missing."""
        self.crawl.spider.listing_failed(f"internal error; {PLEASE_REPORT}")

    async def work(self) -> FinishReason:
        records, listed = self._pipeline(RecordPipeline), self._pipeline(MetadataPipeline).length
        if not is_listed(self.crawl, listed):
            return FinishReason.LISTING_FAILED
        self.crawl.save(None)
        if records.ready > records.pending:
            await self._publish(last=not records.pending)  # usable records, while the clones take weeks
        self.crawl.state.phase = Phase.CLONING
        if self.crawl.resumed is None:
            self.crawl.state.listing_seconds = seconds(self.crawl.stats)
        reason = await clone_chosen(self.crawl, listed)
        self.crawl.state.phase = Phase.WRITING
        if records.pending and not reason:
            reason = await self._publish(last=True)
        if await asyncio.to_thread(records.is_outdated):
            reason = await self._publish(last=not (records.pending and reason)) or reason
        return reason or (FinishReason.FAILED if self.crawl.state.faults else FinishReason.FINISHED)

    async def _publish(self, *, last: bool) -> FinishReason | None:
        """Commit the new files together: records name positions in the metadata file.

        Return why the previous files were kept, if they were.
        """
        listed = self._pipeline(MetadataPipeline)
        records, rejected = await asyncio.to_thread(self._pipeline(RecordPipeline).prepare, last=last)
        new = [file for file in (records, rejected) if file is not None]
        try:
            if records and last and (lost := await asyncio.to_thread(would_lose_records, self.crawl, records.length)):
                _abandon(new)
                return lost
            if history := self.crawler.get_extension(CrawlLog):
                await history.keep(records or listed.array, last=last)
            for file in (listed, *new):
                await asyncio.to_thread(file.seal)  # so that a full disk leaves all of the previous files
        except BaseException:
            _abandon(new)
            raise
        await self._commit(listed, new)
        return None

    async def _commit(self, listed: MetadataPipeline, new: Sequence[JsonArrayFile | AtomicFile]) -> None:
        """Replace the old files. Raise `OSError`."""
        await asyncio.to_thread(listed.commit)
        problem: str | None = None
        for file in new:
            try:
                await asyncio.to_thread(file.commit)
            except OSError as error:
                await asyncio.to_thread(file.commit)  # once more: records without their metadata mean nothing
                problem = self.crawl.state.problem = (
                    f"{described(error)}; the new files were written, but the disk fails"
                )
                logger.error("%s", problem)
        self._pipeline(RecordPipeline).published()
        if problem is not None:  # the reason for the early end is another one
            raise OSError(problem)

    def _pipeline(self, kind: type[T]) -> T:
        pipeline = self.crawler.get_item_pipeline(kind)
        assert pipeline is not None
        return pipeline


def _abandon(files: Iterable[JsonArrayFile | AtomicFile]) -> None:
    """Remove new files; the old ones stay."""
    for file in files:
        file.abandon()


def seconds(stats: StatsCollector) -> float:
    """Return the seconds that a crawl has run."""
    start: datetime | None = stats.get_value("start_time")
    return (datetime.now(UTC) - start).total_seconds() if start else 0.0


def would_lose_records(crawl: CrawlSession, written: int) -> FinishReason | None:
    """Return why previous records are kept, if more than half would be lost because servers could not be reached."""
    before = _records_before(crawl)
    lost = min(crawl.state.passing_losses, before - written)
    if lost <= 0 or lost * 2 <= before:
        return None
    crawl.state.problem = (
        f"{counted(lost, 'record')} of {before:,} would be lost because servers could not be reached this time; "
        "previous data was kept: crawl again"
    )
    logger.error("%s", crawl.state.problem)
    return FinishReason.UNREACHABLE


def _records_before(crawl: CrawlSession) -> int:
    """Return how many records the tree has: one per line, between brackets."""
    if not crawl.state.passing_losses or not crawl.tree.records.is_file():
        return 0
    with crawl.tree.records.open("rb") as lines:
        return max(0, sum(1 for _ in lines) - 2)


def is_listed(crawl: CrawlSession, listed: int) -> bool:
    """Return whether the hub is listed completely; an empty listing is treated as a failure."""
    if not listed and not crawl.state.problem:
        crawl.state.is_listing_outdated = True
        crawl.spider.listing_failed("it lists no models at all")
    return not crawl.state.problem


def chosen(crawl: CrawlSession, listed: int) -> int:
    """Return for how many of the listed models repositories are cloned."""
    selection = crawl.spider.selection
    return selection.count(crawl.listing.wanted() if selection.restricts else listed)


async def clone_chosen(crawl: CrawlSession, listed: int) -> FinishReason | None:
    """Clone the selected models; return why that ended early. Raise `Cancelled`."""
    assert crawl.cloner is not None
    for line in unmatched(crawl):
        logger.warning("%s", printable(line))
    if crawl.spider.selection.restricts and not crawl.listing.wanted():
        crawl.state.problem = f"no model of {crawl.spider.hub} matches the arguments; nothing was cloned"
        logger.error("%s", crawl.state.problem)
        return FinishReason.NOTHING_SELECTED
    return await crawl.cloner.run(chosen(crawl, listed), replaces=crawl.spider.selection.replaces)


def unmatched(crawl: CrawlSession) -> Iterator[str]:
    """Yield a line for each argument value and id that no model has, with the nearest existing one."""
    yield from crawl.matches.unmatched()
    missing = list(islice(crawl.listing.unlisted(crawl.spider.selection.ids or ()), _NAMED + 1))
    for name in missing[:_NAMED]:
        hint = f"; did you mean {near}?" if (near := crawl.listing.nearest(name)) else ""
        yield f"ids={name}: no selected model of {crawl.spider.hub} has it{hint}"
    if len(missing) > _NAMED:
        yield "ids: more ids match no model"
