"""Which cached pages are used without a request."""

import time

import pytest
from scrapy import Request
from scrapy.http import TextResponse
from scrapy.settings import Settings

from ptmtorrent_scrapy.crawl.request_meta import AGAIN, CACHED_AT
from ptmtorrent_scrapy.middlewares.http_cache import Policy

URL = "https://hub.example/models/1"


@pytest.mark.parametrize(
    ("age", "meta", "fresh"),
    [
        (60, {}, True),
        (7200, {}, False),  # it came before the last complete listing
        (-60, {}, False),  # the clock was ahead when it came
        (-365 * 86_400, {}, False),
        (60, {AGAIN: True}, False),
    ],
)
def test_a_kept_page_is_fresh_if_it_is_of_this_listing(age: float, meta: dict[str, bool], fresh: bool) -> None:
    policy = Policy(Settings())
    policy.since = time.time() - 3600
    request = Request(URL, meta={CACHED_AT: time.time() - age, **meta})
    kept = TextResponse(URL, headers={"ETag": '"1"', "Date": "Mon, 01 Jan 2035 00:00:00 GMT"}, body=b"[]")
    assert policy.is_cached_response_fresh(kept, request) is fresh
    assert request.headers.get("If-None-Match") == (None if fresh else b'"1"')
