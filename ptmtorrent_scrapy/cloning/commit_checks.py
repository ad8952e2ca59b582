"""Commit checks: what servers answered and when, so that none is asked twice within `CLONE_REFRESH`."""

import time

from ptmtorrent_scrapy.crawl.database import CrawlDatabase, ListedRepository
from ptmtorrent_scrapy.git.models import CloneResult, CloneStatus

_NOTHING_THERE = (CloneStatus.MISSING, CloneStatus.EMPTY)


class CommitChecks:
    """The commits of HEAD that servers returned, as in commit_checks.jsonl."""

    def __init__(self, listing: CrawlDatabase, *, refresh: float) -> None:
        """Prepare it; `refresh` is the number of seconds for which an answer is valid."""
        self._listing = listing
        self._oldest = int(time.time()) - refresh

    def commit(self, listed: ListedRepository) -> str | None:
        """Return the commit from the hub, else the recent one from the server."""
        return listed.commit or self.of(listed.url)

    def of(self, url: str) -> str | None:
        """Return the commit that the server of a repository returned recently."""
        return self._listing.commit_checks.commit(url, self._oldest)

    def last_known(self, url: str) -> str | None:
        """Return the commit that the server of a repository returned last, however long ago."""
        return self._listing.commit_checks.commit(url, -1)

    def note(self, url: str, *, hub_id: str | None, commit: str | None) -> None:
        """Note that the server of a repository was asked now."""
        self._listing.commit_checks.set(url, hub_id=hub_id, commit=commit, at=int(time.time()))

    def absent(self, listed: ListedRepository) -> CloneResult | None:
        """Return the result of a repository that was missing or empty at a recent check."""
        if listed.commit is not None or not self._listing.commit_checks.was_asked(listed.url, self._oldest):
            return None
        line = self._listing.result(listed.url)
        if line.get("status") not in _NOTHING_THERE or line.get("path"):
            return None
        return CloneResult(url=listed.url, status=CloneStatus(line["status"]), error=line.get("error"), attempts=0)
