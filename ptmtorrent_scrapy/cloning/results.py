"""Results of clones: counted, logged if they are failures, and stored for repositories.jsonl."""

import logging
from typing import Any

import orjson
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.crawl.state import CrawlState
from ptmtorrent_scrapy.git.models import USABLE, CloneResult, CloneStatus, FailureKind
from ptmtorrent_scrapy.storage.atomic import AtomicFile
from ptmtorrent_scrapy.storage.tree import DataTree

logger = logging.getLogger(__name__)

_COUNTED = {
    "git_bytes": "git_bytes",
    "lfs_objects": "lfs_objects",
    "lfs_bytes": "lfs_bytes",
    "lfs_skipped": "lfs_left_out",
    "downloaded_bytes": "downloaded_bytes",
}
_OF_CLONE = ("path", "commit", "branch", "git_bytes", "lfs_objects", "lfs_bytes", "crawl")


class CloneResults:
    """Stores results in the crawl's database, and writes repositories.jsonl from time to time."""

    def __init__(self, tree: DataTree, stats: StatsCollector, state: CrawlState) -> None:
        self._tree = tree
        self._stats = stats
        self._state = state
        self._copy_logged = False
        self._written = 0  # lines of repositories.jsonl
        self.unwritten = 0  # results that it does not have yet
        self.has_changes = False  # of clones, so that their files must be listed again

    def add(self, listing: CrawlDatabase, result: CloneResult, *, quiet: bool = False) -> None:
        """Store a result; `quiet` if the caller logs it."""
        if not quiet:
            self._log(result)
        self._count(result)
        before = listing.result(result.url)
        self._merge(result, before)
        listing.set_result(result.url, orjson.dumps(result.line()), path=result.path)
        self.has_changes |= result.status != CloneStatus.CURRENT
        self.unwritten += 1
        if self.unwritten > 1000 + self._written // 10:
            self.write(listing)

    def _log(self, result: CloneResult) -> None:
        if result.error:
            what = "failed" if result.status == CloneStatus.FAILED else f"is {result.status}"
            logger.warning("%s %s: %s", result.url, what, result.error)
        if result.copied and not self._copy_logged:
            self._copy_logged = True
            logger.warning("%s: the file system has no hard links here; large files are copied", self._tree.folder)

    def _count(self, result: CloneResult) -> None:
        self._stats.inc_value(f"clone/status/{result.status}")
        if result.failure == FailureKind.LOCAL_CHANGES:
            self._stats.inc_value("clone/local_changes")
        for name, statistic in _COUNTED.items():
            self._stats.inc_value(f"clone/{statistic}", getattr(result, name))

    def _merge(self, result: CloneResult, before: dict[str, Any]) -> None:
        """Take over the clone and the number of attempts from an earlier line."""
        if result.path is None and self._exists(before.get("path")):
            for name in _OF_CLONE:
                setattr(result, name, before.get(name, getattr(result, name)))
        if result.path and result.crawl is None:  # made before clones kept it
            result.crawl = before.get("crawl")
        if before.get("status", CloneStatus.CLONED) not in USABLE:
            result.attempts += before.get("attempts", 0)

    def _exists(self, path: object) -> bool:
        return isinstance(path, str) and (self._tree.folder / path / ".git").is_dir()

    def write(self, listing: CrawlDatabase) -> None:
        """Write repositories.jsonl and commit_checks.jsonl."""
        with AtomicFile(self._tree.repositories) as file:
            lines = [file.write(line + b"\n") for line in listing.results()]
        with AtomicFile(self._tree.commit_checks) as file:
            for url, hub_id, commit, at in listing.commit_checks.all():
                file.write(orjson.dumps({"url": url, "hub_id": hub_id, "commit": commit, "at": at}) + b"\n")
        listing.save_results()
        self._written, self.unwritten = len(lines), 0
