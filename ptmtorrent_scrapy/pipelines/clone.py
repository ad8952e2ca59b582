"""Connect the crawl to the service that clones repositories."""

from dataclasses import replace
from typing import Any, Self
from uuid import uuid4

from scrapy.crawler import Crawler

from ptmtorrent_scrapy.cloning.executor_choice import executor_of
from ptmtorrent_scrapy.cloning.service import CloneService
from ptmtorrent_scrapy.cloning.settings import CloneSettings, clone_settings
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.items import RejectedModel


class ClonePipeline:
    """Pipeline that starts and ends the clone service, and notes repositories that cannot be cloned."""

    def __init__(self, service: CloneService) -> None:
        self.service = service

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        crawl = CrawlSession.of(crawler)
        settings = settings_of(crawl, clone_settings(crawler.settings))
        executor = executor_of(settings, crawl.tree)
        crawl.cloner = service = CloneService(crawl, crawler.stats, settings, executor)
        return cls(service)

    def process_item(self, item: Any) -> Any:
        if isinstance(item, RejectedModel) and item.repository:
            self.service.refuse(item.repository, item.detail)
        return item

    async def close_spider(self) -> None:
        await self.service.close()


def settings_of(crawl: CrawlSession, settings: CloneSettings) -> CloneSettings:
    """Return the settings with those of the crawl: the store of LFS objects, the token, the spider's arguments."""
    repository = replace(
        settings.repository,
        store=str(crawl.tree.store.absolute()),
        token=crawl.spider.token,
        read_files=crawl.spider.clone_files,
        scope=str(uuid4()),
        lfs=crawl.spider.lfs or settings.repository.lfs,
    )
    return replace(settings, repository=repository)
