"""Print the last screen of a crawl: what was collected, what failed, and what to do next."""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler

from ptmtorrent_scrapy.crawl.collected import Collected, measure
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import REFUSED, FinishReason, exit_status
from ptmtorrent_scrapy.extensions.phases import seconds
from ptmtorrent_scrapy.formats.counted import counted, repositories
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.rows import row
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.formats.times import ago, clock
from ptmtorrent_scrapy.git.models import CloneStatus

logger = logging.getLogger(__name__)

_SHOWN = 3  # reasons of failures
_CHANGES = 100  # schema changes that are named; the others are counted
_SHUTDOWN = "shutdown"  # Scrapy's reason after Ctrl-C or a signal
_PAGES = {
    "site": "saved from the site",
    "markdown": "rendered from Markdown",
    "earlier": "kept from an earlier crawl, since the site did not answer",
}


class Summary:
    """Extension: prints the summary last, once nothing writes to the tree any more."""

    def __init__(self, crawler: Crawler, crawl: CrawlSession) -> None:
        self.crawler = crawler
        self.crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        summary = cls(crawler, CrawlSession.of(crawler))
        crawler.signals.connect(summary.show, signals.spider_closed)
        return summary

    async def show(self, reason: str) -> None:
        """Write the summary to the log; if that is a file, to standard error as well."""
        collected = await self._collected()
        lines = [line for rows in self._lines(reason, collected) for line in rows.split("\n")]
        logger.info("\n".join(["%s"] * len(lines)), *lines)
        if self.crawler.settings["LOG_FILE"]:
            for line in lines:
                show(line, file=sys.stderr)

    async def _collected(self) -> Collected:
        """Return the bytes of the tree; measure them if the crawl ended before that."""
        if self.crawl.state.collected is not None:
            return self.crawl.state.collected
        try:
            return await asyncio.to_thread(measure, self.crawl.tree, self.crawl.state.started)
        except OSError:  # the tree cannot be read: the problem was logged before
            return Collected()

    def _lines(self, reason: str, collected: Collected) -> Iterator[str]:
        yield f"{self.crawl.spider.hub}: {'stopped by you' if reason == _SHUTDOWN else reason}"
        if self.crawl.state.problem and reason != _SHUTDOWN:
            yield row("error", self.crawl.state.problem)
        yield row("data", str(self.crawl.tree.folder))
        yield from self._listed()
        yield from self._cloned(collected)
        for name, models in self._first("listing/departures/"):
            where = "" if name.endswith(REFUSED) else f": {counted(models, 'model')} (not in the hub's known schema)"
            yield row("schema change", f"{name}{where}")
        if following := self._next(reason):
            yield row("next", following)
        yield row("exit status", str(exit_status(reason)))

    def _listed(self) -> Iterator[str]:
        tree = self.crawl.tree
        yield row("duration", _span(seconds(self.crawl.stats)))
        yield row("models", self._models())
        if self.crawl.spider.has_records and self.crawl.state.records_age is None:
            yield self._records()
        elif not self.crawl.spider.has_records:
            yield row("objects", f"in json/metadata/{self.crawl.state_file.name}")
        for name, pages in self._below("pages/").items():
            yield row("pages", f"{pages:,} {_PAGES.get(name, name)}, in html/")
        if rejected := self._below("record/rejected/"):
            yield row("rejected", f"{_list(rejected)}; see json/{tree.rejected.name}")
        if unlisted := self._counted("listing/unlisted_datasets"):
            yield row("datasets", f"{unlisted:,} named by models are not in the listing of datasets; they were kept")
        for doubt, models in self._below("listing/doubts/").items():
            yield row("doubtful", f"{doubt}: {counted(models, 'model')} (the field is absent)")

    def _models(self) -> str:
        """Return the number of models, when or how fast they were listed, and which were not counted."""
        models, state = self._counted("listing/models"), self.crawl.state
        if state.records_age is not None:
            return f"{models:,} in json/{self.crawl.state_file.name}, listed {ago(state.records_age)}"
        text = f"{models:,} listed"
        if self.crawl.resumed is not None:
            text += f", resuming the listing started {ago(time.time() - self.crawl.resumed.began)}"
        elif models and state.listing_seconds:
            text += f" in {_span(state.listing_seconds)}, {models / state.listing_seconds:,.0f} per second"
        repeated, private = self._counted("listing/repeated"), self._counted("listing/private")
        text += f"; {counted(repeated, 'repetition')} counted once" if repeated else ""
        text += f"; {counted(private, 'private model')} skipped (-a private=true keeps them)" if private else ""
        return text

    def _records(self) -> str:
        """Return the line about the records."""
        assert self.crawler.stats is not None
        file = f"json/{self.crawl.tree.records.name}"
        written = self.crawler.stats.get_value("record/written")
        if written is not None:
            return row("records", f"{written:,} in {file}")
        return row(
            "records", f"none written; previous {file} kept" if self.crawl.tree.records.is_file() else "none written"
        )

    def _cloned(self, collected: Collected) -> Iterator[str]:
        statuses = self._below("clone/status/")
        if chosen := self._counted("clone/chosen"):
            top = self.crawl.spider.selection.top
            short = f"; no other model matches (top={top})" if top is not None and chosen < top else ""
            yield row("selected", f"{repositories(chosen)}{short}")
        if statuses:
            yield row("repositories", f"{_list(statuses)}; see json/{self.crawl.tree.repositories.name}")
        for reason, number in collected.failures.most_common(_SHOWN) if statuses else ():
            yield row("not cloned", f"{number:,} {reason}")
        if unchecked := self._counted("clone/not_checked"):
            what = repositories(unchecked)
            yield row("not checked", f"{what} this time; the last known commit was kept")
        if changed := self._counted("clone/local_changes"):
            yield row("not updated", f"{counted(changed, 'clone')} with local changes; their errors name the files")
        if downloaded := self._counted("clone/downloaded_bytes"):
            yield row("downloaded", human(downloaded))
        if collected.disk_bytes:
            kinds = {"git": collected.git_bytes, "large files": collected.lfs_bytes}
            yield row("on disk", ", ".join(f"{human(size)} of {kind}" for kind, size in kinds.items() if size))
        if collected.shared_bytes:
            yield row("shared", f"{human(collected.shared_bytes)} of large files, stored once for several clones")
        if skipped := self._counted("clone/lfs_left_out"):
            yield row("skipped", f"{counted(skipped, 'large file')} (kept as pointers)")

    def _next(self, reason: str) -> str | None:
        left = self._counted("clone/chosen") - self._counted("clone/done")
        statuses = self._below("clone/status/")
        failed = statuses.get(CloneStatus.FAILED, 0)
        if reason == FinishReason.NOTHING_SELECTED:
            return "correct the arguments; the values that match no model are named above"
        if reason != FinishReason.FINISHED:
            what = f": {repositories(left)} left" if left > 0 else ""
            return f"run the same command to resume{what}"
        if failed:
            what = repositories(failed)
            return f"scrapy clone {self.crawl.tree.hub} -a retry=failed tries {what} again"
        return None

    def _counted(self, name: str) -> int:
        assert self.crawler.stats is not None
        return int(self.crawler.stats.get_value(name, 0))

    def _first(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield the most frequent of some statistics, and the number of the others."""
        found = list(self._below(prefix).items())
        yield from found[:_CHANGES]
        if len(found) > _CHANGES:
            yield "others", sum(number for _, number in found[_CHANGES:])

    def _below(self, prefix: str) -> dict[str, int]:
        """Return the statistics with a common prefix by the rest of their names, largest first."""
        assert self.crawler.stats is not None
        found = {
            name.removeprefix(prefix): value
            for name, value in self.crawler.stats.get_stats().items()
            if name.startswith(prefix) and value
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def _list(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items())


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
