"""State that all parts of cloning share in one crawl."""

from dataclasses import dataclass
from pathlib import Path

from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.cloning.budget import Budget
from ptmtorrent_scrapy.cloning.commit_checks import CommitChecks
from ptmtorrent_scrapy.cloning.ending import Ending
from ptmtorrent_scrapy.cloning.executor import CloneExecutor
from ptmtorrent_scrapy.cloning.requests import CloneRequests
from ptmtorrent_scrapy.cloning.results import CloneResults
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.crawl.session import CrawlSession


@dataclass(kw_only=True)
class CloneParts:
    """State that the clones of one crawl share."""

    crawl: CrawlSession
    stats: StatsCollector
    settings: CloneSettings
    executor: CloneExecutor
    requests: CloneRequests
    ending: Ending
    budget: Budget
    results: CloneResults

    @property
    def listing(self) -> CrawlDatabase:
        return self.crawl.listing

    @property
    def checks(self) -> CommitChecks:
        return CommitChecks(self.listing, refresh=self.settings.refresh)

    def relative(self, path: str | None) -> str | None:
        """Return the path of a clone below the hub's folder."""
        return path and str(Path(path).relative_to(self.crawl.tree.folder.absolute()))
