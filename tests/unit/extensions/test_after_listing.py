"""The reason for the end of a crawl after its listing."""

import asyncio
import errno
from typing import Any, cast

import pytest

from ptmtorrent_scrapy.cloning.executor import ClusterLost
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import CrawlState, FinishReason
from ptmtorrent_scrapy.extensions.after_listing import AfterListing
from ptmtorrent_scrapy.git.errors import Cancelled


class Ends(AfterListing):
    """Work that ends with an error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(cast(Any, None), cast(CrawlSession, Session()))
        self.error = error

    async def work(self) -> FinishReason:
        raise self.error


class Session:
    """The part of a crawl that the work uses."""

    def __init__(self) -> None:
        self.state = CrawlState()


@pytest.mark.parametrize(
    ("error", "reason", "problem"),
    [
        (Cancelled("the crawl ends"), FinishReason.CANCELLED, None),
        (asyncio.CancelledError(), FinishReason.CANCELLED, None),  # as Dask cancels what a lost cluster had
        (ClusterLost("tcp://c does not answer"), FinishReason.FAILED, "tcp://c does not answer; previous data"),
        (OSError(errno.ENOSPC, "full", "/data"), FinishReason.NO_SPACE, "/data"),
        (OSError(errno.EROFS, "read-only", "/data"), FinishReason.FAILED, "/data"),
    ],
)
def test_an_error_is_a_reason_and_one_line(
    caplog: pytest.LogCaptureFixture, error: BaseException, reason: FinishReason, problem: str | None
) -> None:
    work = Ends(error)
    assert asyncio.run(work._ended()) == reason
    assert (problem or "") in (work.crawl.state.problem or "")
    assert [record.exc_info for record in caplog.records] == ([None] if problem else [])
