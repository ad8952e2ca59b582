"""Plan a crawl instead of cloning: list the hub, and estimate bytes and time of its clones."""

import asyncio
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import orjson
from scrapy import signals
from scrapy.crawler import Crawler

from ptmtorrent_scrapy.cloning.estimate import Plan, Sampled, estimate, rates
from ptmtorrent_scrapy.cloning.plan_sample import PlanSample, Stratum, Work
from ptmtorrent_scrapy.cloning.settings import CloneSettings, clone_settings
from ptmtorrent_scrapy.crawl.database import ListedRepository
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.extensions.after_listing import AfterListing
from ptmtorrent_scrapy.extensions.phases import chosen, is_listed
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import CloneStatus, LfsMode
from ptmtorrent_scrapy.git.size_estimate import weight
from ptmtorrent_scrapy.pipelines import MetadataPipeline
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import DataTree

_AT_ONCE = 4  # repositories that are measured


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """The user's options for a plan."""

    data: Path  # the data tree of the crawl; the plan's own is temporary
    sample: int  # repositories whose size is looked up
    rate: int | None  # bytes per second; None: as in earlier crawls


class Planning(AfterListing):
    """Extension: makes `plan`, and ends the crawl where cloning would begin."""

    options: ClassVar[PlanOptions]
    plan: Plan | None = None

    def __init__(self, crawler: Crawler, crawl: CrawlSession, settings: CloneSettings) -> None:
        super().__init__(crawler, crawl)
        self._settings = settings
        self._tree = DataTree(self.options.data, crawl.tree.hub)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        crawl, settings = CrawlSession.of(crawler), clone_settings(crawler.settings)
        repository = replace(
            settings.repository,
            lfs=crawl.spider.lfs or settings.repository.lfs,
            store=str(crawl.tree.store.absolute()),
            token=crawl.spider.token,
        )
        planning = cls(crawler, crawl, replace(settings, repository=repository))
        crawler.signals.connect(planning.run, signals.spider_idle)
        return planning

    async def work(self) -> FinishReason:
        pipeline = self.crawler.get_item_pipeline(MetadataPipeline)
        assert pipeline is not None
        listed = pipeline.length
        if not is_listed(self.crawl, listed):
            return FinishReason.LISTING_FAILED
        selected = chosen(self.crawl, listed)
        repositories, _ = self.crawl.listing.choose(selected)
        self._remember()
        sample = PlanSample(self.crawl.listing, self._tree, self._settings.repository)
        strata = await asyncio.to_thread(sample.draw, repositories, self.options.sample)
        weights = [await self._weigh(stratum.sample) for stratum in strata]
        self.plan = self._planned(listed, selected, sample, strata, weights)
        return FinishReason.FINISHED

    def _planned(
        self, listed: int, selected: int, sample: PlanSample, strata: list[Stratum], weights: list[list[int | None]]
    ) -> Plan:
        found = [[each for each in stratum if each is not None] for stratum in weights]
        sizes = [Sampled(stratum.size, known) for stratum, known in zip(strata, found, strict=True)]
        return Plan(
            hub=self.crawl.spider.hub,
            models=listed,
            selected=selected,
            repositories=sample.work[Work.CLONE],
            moved=sample.work[Work.UPDATE],
            incomplete=sample.work[Work.COMPLETE],
            current=sample.work[Work.NOTHING],
            unsure=sample.work[Work.ASK],
            unavailable=sample.work[Work.UNAVAILABLE],
            known=sample.known,
            sampled=sum(map(len, found)),
            unreachable=sum(map(len, weights)) - sum(map(len, found)),
            need=estimate(sample.known_bytes, sizes),
            free=max(0, shutil.disk_usage(self._tree.folder).free - self._settings.repository.min_free),
            rates=rates(self.options.rate, self._before(), self._settings.concurrency),
        )

    def _remember(self) -> None:
        """Take over the results of earlier crawls, which are in another tree than this one."""
        for line in json_lines(self._tree.repositories, {"url": str, "status": str}):
            self.crawl.listing.set_result(line["url"], orjson.dumps(line), path=None)

    async def _weigh(self, sampled: list[ListedRepository]) -> list[int | None]:
        """Return the bytes of repositories; None for one that cannot be measured."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def weigh(listed: ListedRepository) -> int | None:
            async with limit:
                return await self._weight(listed)

        return await asyncio.gather(*map(weigh, sampled))

    async def _weight(self, listed: ListedRepository) -> int | None:
        files = await self.crawl.spider.files(listed.url, listed.commit)
        if files is not None:
            return sum(size for size, is_large in files if not is_large or self._is_wanted(size))
        path = str(self.crawl.tree.work.absolute())
        try:
            return await asyncio.to_thread(weight, replace(self._settings.repository, url=listed.url, path=path))
        except GitError:
            return None

    def _is_wanted(self, size: int) -> bool:
        which = self._settings.repository.lfs
        return which != LfsMode.NONE and (not which.isdigit() or size <= int(which))

    def _before(self) -> list[tuple[int, float]]:
        """Return (bytes, seconds) of each clone of earlier crawls."""
        return [
            (line["git_bytes"] + line["lfs_bytes"], line["seconds"])
            for line in json_lines(self._tree.repositories, {"git_bytes": int, "lfs_bytes": int, "seconds": float})
            if line.get("status") == CloneStatus.CLONED
        ]


def planning(options: PlanOptions) -> type[Planning]:
    """Return a planning extension with these options."""
    return type("Planning", (Planning,), {"options": options})
