"""Stands in for the phases after the listing: tells what they would take."""

import asyncio
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider

from ptmtorrent_scrapy.cloning.estimate import Plan, estimate, rates
from ptmtorrent_scrapy.cloning.settings import CloneSettings, clone_settings
from ptmtorrent_scrapy.crawl.database import ListedRepository
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.extensions.phases import chosen, ended, is_listed
from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.size_estimate import weight
from ptmtorrent_scrapy.pipelines import MetadataPipeline
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import DataTree

_AT_ONCE = 4  # repositories that are looked at


class Planning:
    """Extension: makes `plan`, and ends the crawl where it would begin to clone."""

    plan: Plan | None = None

    def __init__(self, crawler: Crawler, crawl: CrawlSession, settings: CloneSettings) -> None:
        self.crawler = crawler
        self.crawl = crawl
        self._settings = settings
        self._tree = DataTree(Path(crawler.settings["PLAN_FOR"]), crawl.tree.hub)  # the crawl's own is scratch
        self._sample = crawler.settings.getint("PLAN_SAMPLE")
        self._rate = crawler.settings.getint("PLAN_RATE") or None
        self._closing: asyncio.Task[None] | None = None

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
        crawler.signals.connect(planning.go_on, signals.spider_idle)
        return planning

    def go_on(self) -> None:
        if self.crawl.after_listing is None:
            self.crawl.after_listing = asyncio.create_task(ended(self.crawl.state, self._make()))
            self.crawl.after_listing.add_done_callback(self._close_spider)
        raise DontCloseSpider

    def _close_spider(self, made: asyncio.Task[FinishReason]) -> None:
        self._closing = asyncio.create_task(self.crawler.engine.close_spider_async(reason=made.result()))

    async def _make(self) -> FinishReason:
        pipeline = self.crawler.get_item_pipeline(MetadataPipeline)
        assert pipeline is not None
        listed = pipeline.length
        if not is_listed(self.crawl, listed):
            return FinishReason.LISTING_FAILED
        selected = chosen(self.crawl, listed)
        self.crawl.listing.choose(selected)
        counts, known, told, unknown = await asyncio.to_thread(self._count)
        sampled = sorted(unknown, key=_draw)[: self._sample]
        weights = await self._weigh(sampled)
        found = [each for each in weights if each is not None]
        self.plan = Plan(
            hub=self.crawl.spider.hub,
            models=listed,
            selected=selected,
            repositories=counts["new"],
            moved=counts["moved"],
            current=counts["current"],
            unsure=counts["unsure"],
            told=told,
            sampled=len(found),
            unreachable=len(weights) - len(found),
            need=estimate(known, found, len(unknown)),
            free=max(0, shutil.disk_usage(self._tree.folder).free - self._settings.repository.min_free),
            rates=rates(self._rate, self._before(), self._settings.concurrency),
        )
        return FinishReason.FINISHED

    def _count(self) -> tuple[dict[str, int], int, int, list[ListedRepository]]:
        """(repositories by what there is to do, bytes that the hub tells, of how many, those of which it does not)."""
        counts = dict.fromkeys(("new", "moved", "current", "unsure"), 0)
        known = told = 0
        unknown = []
        for listed in self.crawl.listing.repositories():
            if not listed.chosen:
                break
            what = self._state(listed)
            counts[what] += 1
            if what == "new" and listed.bytes is not None and self._settings.repository.lfs in ("auto", "all"):
                known += listed.bytes
                told += 1
            elif what == "new":
                unknown.append(listed)
        return counts, known, told, unknown

    def _state(self, listed: ListedRepository) -> str:
        path = self._tree.repository(listed.folder)
        if not (path / ".git").is_dir():
            return "new"
        if not local.is_sound(path):
            return "moved"
        if listed.commit is None:
            return "unsure"
        wanted = replace(self._settings.repository, path=str(path))
        whole = local.is_whole(local.state(path), wanted)
        return "current" if whole and local.head(path)[1] == listed.commit else "moved"

    async def _weigh(self, sampled: list[ListedRepository]) -> list[int | None]:
        """Bytes of repositories; None of one that cannot be had."""
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
        return which != "none" and (not which.isdigit() or size <= int(which))

    def _before(self) -> list[tuple[int, float]]:
        """(bytes, seconds) of what earlier crawls have cloned."""
        return [
            (line["git_bytes"] + line["lfs_bytes"], line["seconds"])
            for line in json_lines(self._tree.repositories, {"git_bytes": int, "lfs_bytes": int, "seconds": float})
            if line.get("status") == "cloned"
        ]


def _draw(listed: ListedRepository) -> bytes:
    """A number for each repository that has nothing to do with its size."""
    return hashlib.blake2b(listed.url.encode(), digest_size=8).digest()
