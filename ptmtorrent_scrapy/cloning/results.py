"""What became of repositories: counted, told where it is a failure, and kept for repositories.jsonl."""

import logging

import orjson
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.git.models import USABLE, CloneResult
from ptmtorrent_scrapy.storage.atomic import AtomicFile
from ptmtorrent_scrapy.storage.tree import DataTree

logger = logging.getLogger(__name__)

_COUNTED = {
    "git_bytes": "git_bytes",
    "lfs_objects": "lfs_objects",
    "lfs_bytes": "lfs_bytes",
    "lfs_skipped": "lfs_left_out",
    "downloaded_bytes": "fetched_bytes",
}
_OF_THE_CLONE = ("path", "commit", "branch", "git_bytes", "lfs_objects", "lfs_bytes")


class CloneResults:
    """Notes outcomes in the listing, and writes its lines now and then."""

    def __init__(self, tree: DataTree, stats: StatsCollector) -> None:
        self._tree = tree
        self._stats = stats
        self._told_copied = False
        self._written = 0  # lines of repositories.jsonl
        self.unwritten = 0  # outcomes that it does not have yet

    def note(self, listing: CrawlDatabase, outcome: CloneResult, *, quiet: bool = False) -> None:
        """Keep an outcome; `quiet` where somebody else tells of it."""
        if outcome.error and not quiet:
            logger.warning("%s is %s: %s", outcome.url, outcome.status, outcome.error)
        if outcome.copied and not self._told_copied:
            self._told_copied = True
            logger.warning("%s: the file system has no hard links here; large files are copied", self._tree.folder)
        self._stats.inc_value(f"clone/status/{outcome.status}")
        for name, statistic in _COUNTED.items():
            self._stats.inc_value(f"clone/{statistic}", getattr(outcome, name))
        before = orjson.loads(listing.outcome(outcome.url) or b"{}")
        if outcome.path is None and self._stands(before.get("path")):
            for name in _OF_THE_CLONE:
                setattr(outcome, name, before.get(name, getattr(outcome, name)))
        if before.get("status", "cloned") not in USABLE:
            outcome.attempts += before.get("attempts", 0)
        listing.set_outcome(outcome.url, orjson.dumps(outcome.line()), path=outcome.path)
        self.unwritten += 1
        if self.unwritten > 1000 + self._written // 10:
            self.write(listing)

    def _stands(self, path: object) -> bool:
        return isinstance(path, str) and (self._tree.folder / path / ".git").is_dir()

    def write(self, listing: CrawlDatabase) -> None:
        """Write repositories.jsonl anew, and what the next crawl needs not ask."""
        with AtomicFile(self._tree.repositories) as file:
            lines = [file.write(line + b"\n") for line in listing.outcomes()]
        with AtomicFile(self._tree.looks) as file:
            for url, hub_id, commit, at in listing.looks():
                file.write(orjson.dumps({"url": url, "hub_id": hub_id, "commit": commit, "at": at}) + b"\n")
        listing.save()
        self._written, self.unwritten = len(lines), 0
