"""Write the history of a tree: one line per crawl, and snapshots of the previous files."""

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings

from ptmtorrent_scrapy import ENVIRONMENT_PREFIX, __version__
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.collected import Collected
from ptmtorrent_scrapy.crawl.hub import Hub
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.formats.redact import HIDDEN, redact
from ptmtorrent_scrapy.git.local import head
from ptmtorrent_scrapy.snapshots import crawl_log
from ptmtorrent_scrapy.snapshots.writer import SnapshotWriter
from ptmtorrent_scrapy.storage.atomic import JsonArrayFile

logger = logging.getLogger(__name__)

_OURS = re.compile(r"CLONE_\w+|DATA_DIR|KEEP_SNAPSHOTS|LISTING_MAX_AGE")
_BYTES = ("git_bytes", "lfs_bytes", "downloaded_bytes")  # of the repositories that the crawl worked on
_OF_TREE = ("disk_bytes", "shared_bytes")


class CrawlLog:
    """Extension: logs the start and the end of a crawl while the crawl holds the lock of the tree."""

    def __init__(self, crawler: Crawler, crawl: CrawlSession, keep: int) -> None:
        self.crawler = crawler
        self.crawl = crawl
        self._token = crawl.spider.token[1] if crawl.spider.token else ""
        self._line: dict[str, Any] = {}
        crawl.while_locked.append(self._while_locked)
        self._snapshots = SnapshotWriter(crawl.tree, crawl.state_file, keep, stopped=lambda: not crawler.crawling)
        self._kept = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        keep = options.whole("KEEP_SNAPSHOTS", crawler.settings["KEEP_SNAPSHOTS"])
        return cls(crawler, CrawlSession.of(crawler), keep)

    async def keep(self, new: JsonArrayFile, *, last: bool) -> None:
        """Save the current state before new records or objects replace it. Raise `Cancelled`, `OSError`."""
        await asyncio.to_thread(self._snapshots.again if self._kept else self._snapshots.before, new)
        self._kept = True
        self._line["snapshot"] = self._snapshots.made
        crawl_log.note(self.crawl.tree, self._line)
        if last:
            await asyncio.to_thread(self._snapshots.prune)

    @contextlib.contextmanager
    def _while_locked(self) -> Iterator[None]:
        self._snapshots.hold()
        self.crawl.state.started = _now()
        self._line = self._line_at_start()
        crawl_log.begin(self.crawl.tree, self._line)
        yield
        try:
            crawl_log.end(self.crawl.tree, self._ended())
            if not self.crawl.is_resumable:
                self._snapshots.let_go()
            self._snapshots.prune()
        except OSError as error:
            is_new = self.crawl.state.problem is None  # otherwise the disk was named before
            message = "the line of this crawl could not be written to %s: %s"
            logger.log(logging.ERROR if is_new else logging.INFO, message, self.crawl.tree.crawls, error.strerror)

    def _line_at_start(self) -> dict[str, Any]:
        """Return the line of the crawl with the fields that are known at its start."""
        return {
            "started": self.crawl.state.started,
            "ended": None,
            "version": __version__,
            "program_commit": program_commit(Path(__file__).parents[2]),
            "hub": self.crawl.tree.hub,
            "arguments": self.crawl.spider.given,
            "settings": _settings(self.crawler.settings, self.crawl.spider),
            "counts": None,
            "reason": None,
            "problem": None,
            "snapshot": None,
        }

    def _ended(self) -> dict[str, Any]:
        assert self.crawler.stats is not None
        problem = self.crawl.state.problem
        return {
            **self._line,
            "ended": _now(),
            "counts": _counts(self.crawler.stats.get_stats(), self.crawl.state.collected),
            "reason": self.crawler.stats.get_value("finish_reason"),
            "problem": problem and redact(" ".join(problem.split()), self._token),
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _counts(statistics: dict[str, Any], collected: Collected | None) -> dict[str, Any]:
    def below(prefix: str) -> dict[str, int]:
        found = {name.removeprefix(prefix): count for name, count in statistics.items() if name.startswith(prefix)}
        return {name: count for name, count in sorted(found.items()) if count}

    return {
        "models": statistics.get("listing/models", 0),
        "records": statistics.get("record/written"),
        "rejected": below("record/rejected/"),
        "selected": statistics.get("clone/chosen", 0),
        "repositories": below("clone/status/"),
        **{name: statistics.get(f"clone/{name}", 0) for name in _BYTES},
        **({name: getattr(collected, name) for name in _OF_TREE} if collected else {}),
        **({"schema_changes": changes} if (changes := below("listing/departures/")) else {}),
    }


def program_commit(folder: Path) -> str | None:
    """Return the commit of the checkout that this program runs from; None for an installed package."""
    try:
        return head(folder).commit
    except OSError:
        return None


def _settings(settings: BaseSettings, spider: Hub) -> dict[str, Any]:
    """Return the URLs of the hub and the user's values of our settings, without secrets."""
    found = {
        name: settings[name]
        for name in sorted(settings)
        if name in spider.url_settings or (_OURS.fullmatch(name) and _is_set_by_user(settings, name))
    }
    if "CLONE_GIT_CONFIG" in found:
        found["CLONE_GIT_CONFIG"] = HIDDEN  # headers and proxies may contain passwords
    return {name: redact(str(value), spider.token[1] if spider.token else "") for name, value in found.items()}


def _is_set_by_user(settings: BaseSettings, name: str) -> bool:
    """Return whether a setting was set for this crawl, also in the environment, which `settings.py` reads."""
    priority = settings.getpriority(name) or 0
    return priority > SETTINGS_PRIORITIES["project"] or f"{ENVIRONMENT_PREFIX}{name}" in os.environ
