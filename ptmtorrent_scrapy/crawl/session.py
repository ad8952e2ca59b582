"""State that the components of one crawl share: its locked tree and its listing."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import orjson
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.settings import BaseSettings
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.checkpoint import Checkpoint, Checkpointed, TokenMark, parse, request
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.crawl.hub import Hub
from ptmtorrent_scrapy.crawl.matches import Matches
from ptmtorrent_scrapy.crawl.state import CrawlState, FinishReason, ResumePage
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.git.models import CloneResult
from ptmtorrent_scrapy.items import ListingPage
from ptmtorrent_scrapy.storage.atomic import digest, write
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.scratch import remove_left
from ptmtorrent_scrapy.storage.tree import DataTree

logger = logging.getLogger(__name__)

_crawls: WeakKeyDictionary[Crawler, "CrawlSession"] = WeakKeyDictionary()


class ClonesRepositories(Protocol):
    """Service that clones repositories for a crawl."""

    async def clone_now(self, url: str, folder: str) -> CloneResult:
        """Clone one repository before the others. Raise `GitError`."""

    async def last_commits(self, path: Path) -> dict[str, str]:
        """Return the last commit that changed each file and folder of a clone. Raise `GitError`."""

    async def contents(self, path: Path, names: list[str]) -> dict[str, bytes]:
        """Return the contents of small files of a clone's HEAD, by name. Raise `GitError`."""

    async def run(self, models: int, *, replaces: bool = False) -> FinishReason | None:
        """Clone the repositories of the first `models` models; return why that ended early. Raise `Cancelled`."""


class CrawlSession:
    """The tree and the listing of a crawl, from its first request until it is closed."""

    listing: CrawlDatabase

    def __init__(self, tree: DataTree, spider: Hub, stats: StatsCollector, settings: BaseSettings) -> None:
        self.tree = tree
        self.spider = spider
        self.matches = Matches(spider.selection)
        # by name: components that a resumed crawl restores
        self.checkpointed: dict[str, Checkpointed] = {"matches": self.matches}
        self.while_locked: list[Callable[[], AbstractContextManager[None]]] = []  # entered once the tree is locked
        self.resumed: Checkpoint | None = None
        self.database = tree.work  # a process that lists nothing has a file of its own
        self.state = CrawlState()
        self.stats = stats
        self._settings = settings
        self._began = int(time.time())
        self._saved = False
        self._pages = int(time.time() * 1000)  # so that no other crawl uses the same numbers
        self.cloner: ClonesRepositories | None = None
        # the phases after the listing; its result is why the crawl closes
        self.after_listing: asyncio.Task[FinishReason] | None = None
        self._held = contextlib.ExitStack()

    @classmethod
    def of(cls, crawler: Crawler) -> "CrawlSession":
        """Return the crawl of a component. Raise `NotConfigured` if the spider is not that of a hub."""
        if not isinstance(crawler.spider, Hub):
            raise NotConfigured
        if crawler not in _crawls:
            tree = DataTree(Path(crawler.settings["DATA_DIR"]), crawler.spider.name)
            assert crawler.stats is not None
            _crawls[crawler] = cls(tree, crawler.spider, crawler.stats, crawler.settings)
            crawler.signals.connect(_crawls[crawler].end, signals.spider_closed)
        return _crawls[crawler]

    @property
    def state_file(self) -> Path:
        """Return the file that is compared to see whether the hub has changed: its records, else its metadata."""
        spider = self.spider
        return self.tree.records if spider.has_records else self.tree.page(f"json/metadata/{spider.metadata}")

    def begin(self) -> None:
        """Claim the tree, and resume the listing of an interrupted crawl. Raise `TreeLocked`, `OSError`."""
        for hold in (self.tree.claim, *self.while_locked):
            self._held.enter_context(hold())
        remove_left(self.tree.root)
        self.listing = CrawlDatabase(self.database)
        self._held.callback(self._close_listing)
        self._resume()
        self._load_results()

    def _resume(self) -> None:
        current = self._request()
        saved = parse(self.listing.state())
        longest = options.duration("LISTING_MAX_AGE", self._settings["LISTING_MAX_AGE"])
        if saved is None or not saved.is_of(current, self._token, longest) or not self._can_restore(saved):
            self.listing.clear()
            return
        self.resumed, self._began = saved, saved.began
        self.state.resume_page = self._resume_page(saved.page)
        for name, component in self.checkpointed.items():
            component.restore(saved.kept[name])
        for name, value in saved.statistics.items():
            self.stats.set_value(name, value)
        began = datetime.fromtimestamp(saved.began).astimezone()
        models = counted(int(saved.statistics.get("listing/models", 0)), "model")
        so_far = "complete" if saved.complete else "so far"
        logger.info("resuming the listing started at %s: %s %s", began, models, so_far)

    @property
    def _token(self) -> str | None:
        return self.spider.token[1] if self.spider.token else None

    def _request(self) -> dict[str, Any]:
        return request(
            urls=[self._settings[name] for name in self.spider.url_settings],
            fields=self.spider.fields,
            selection=self.spider.selection.described(),
            checkpointed=self.checkpointed,
        )

    def _resume_page(self, page: Mapping[str, Any] | None) -> ResumePage | None:
        if page is None:
            return None
        path = self.tree.work.with_name(page["file"]).absolute()
        file = path.as_uri() if path.is_file() and digest(path.read_bytes()) == page["digest"] else None
        return ResumePage(file=file, url=page["url"], following=page["following"])

    def _can_restore(self, saved: Checkpoint) -> bool:
        """Return whether the files exist to continue the listing; a damaged page is requested again."""
        return all(
            component.can_restore(saved.kept[name], complete=saved.complete)
            for name, component in self.checkpointed.items()
        )

    def save(self, page: ListingPage | None) -> None:
        """Save the page that an interrupted crawl resumes with; None: it resumes after the listing."""
        kept = None if page is None else self._write_page(page)
        checkpoint = Checkpoint(
            request=self._request(),
            token=TokenMark.of(self._token),
            began=self._began,
            page=kept,
            complete=page is None,
            kept={name: component.save() for name, component in self.checkpointed.items()},
            statistics={
                name: value for name, value in self.stats.get_stats().items() if name.startswith(("listing/", "pages/"))
            },
        )
        self.listing.save(checkpoint.to_json(), complete=checkpoint.complete)
        self._saved = True
        for path in self._page_files():
            if kept is None or path.name != kept["file"]:
                path.unlink()

    def _write_page(self, page: ListingPage) -> dict[str, Any]:
        """Write a page, and keep the previous one for now."""
        self._pages += 1
        path = self.tree.work.with_name(f".{self.tree.hub}~page-{self._pages}")
        write(path, page.body)
        return {"file": path.name, "digest": digest(page.body), "url": page.url, "following": page.following}

    def _page_files(self) -> list[Path]:
        folder, name = self.tree.work.parent, f".{self.tree.hub}~page-*"
        return [*folder.glob(name), *folder.glob(f".{name}")]  # the latter were being written

    def _close_listing(self) -> None:
        """Close the listing if the next crawl can resume it; otherwise delete it."""
        if self.is_resumable:
            self.listing.close()
            return
        with contextlib.suppress(OSError):  # of a failing disk: the problem was logged before
            self.listing.remove()
            for path in self._page_files():
                path.unlink()

    @property
    def is_resumable(self) -> bool:
        """Return whether the next crawl can and should resume this listing."""
        ended = self.after_listing
        ended_well = (
            ended is not None
            and ended.done()
            and not ended.cancelled()
            and ended.result() in (FinishReason.FINISHED, FinishReason.NOTHING_SELECTED)
        )
        can_resume = not (ended_well or self.state.faults or self.state.is_listing_outdated)
        return can_resume and (self._saved or self.resumed is not None)

    def _load_results(self) -> None:
        """Take over the results and commit checks of earlier crawls."""
        for line in json_lines(self.tree.repositories, {"url": str}):
            path = line.get("path")
            self.listing.set_result(line["url"], orjson.dumps(line), path=path if isinstance(path, str) else None)
        previous = self.tree.commit_checks.with_name("looks.jsonl")  # its name before version 0.2
        if previous.is_file() and not self.tree.commit_checks.exists():
            previous.rename(self.tree.commit_checks)
        for line in json_lines(self.tree.commit_checks, {"url": str, "at": int}):
            self.listing.commit_checks.set(
                line["url"], hub_id=line.get("hub_id"), commit=line.get("commit"), at=line["at"]
            )

    async def settled(self) -> None:
        """Wait until no part of the crawl writes to the tree any more."""
        if self.after_listing is not None:
            await asyncio.gather(self.after_listing, return_exceptions=True)

    def end(self) -> None:
        try:
            self._held.close()
        except OSError as error:
            if self.state.problem is None:  # otherwise the disk was named before
                logger.error("%s: %s", error.filename or self.tree.folder, error.strerror)
        for crawler in [crawler for crawler, crawl in _crawls.items() if crawl is self]:
            del _crawls[crawler]  # the crawl's own reference would keep the entry
