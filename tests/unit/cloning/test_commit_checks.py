"""Answers of servers that count, and those that do not."""

import time

from ptmtorrent_scrapy.cloning.commit_checks import CommitChecks
from ptmtorrent_scrapy.crawl.database import CrawlDatabase

A = "a" * 40
URL = "https://hub.example/o/m"


def test_answers_by_a_clock_that_was_ahead(listing: CrawlDatabase) -> None:
    checks = CommitChecks(listing, refresh=3600)
    listing.commit_checks.set(URL, hub_id=None, commit=A, at=int(time.time()) + 365 * 86_400)
    assert checks.of(URL) is None  # so that the server is asked
    assert checks.last_known(URL) == A  # where it does not answer
    checks.note(URL, hub_id=None, commit=A)
    assert checks.of(URL) == A
