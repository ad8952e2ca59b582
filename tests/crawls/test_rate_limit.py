"""Rate limits are respected."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.request_meta import PATIENT
from ptmtorrent_scrapy.middlewares.rate_limit import RateLimitMiddleware
from tests.conftest import Start
from tests.hubs import Hubs, Repository

LISTING = Request("https://huggingface.co/api/models")


class Clock:
    """A clock that advances only during waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(clock: Clock) -> RateLimitMiddleware:
    return RateLimitMiddleware(3, clock, clock.sleep)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def answer(status: int = 200, url: str = LISTING.url, **headers: str) -> Response:
    return Response(url, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


POLICY = '"fixed window";"api";q=500;w=300'


@pytest.mark.parametrize(
    ("limit", "waited"),
    [
        ('"api";r=497;t=168', 0),
        ('"api";r=51;t=168', 0),
        ('"api";r=50;t=100', 2),
        ('"api";r=1;t=30', 30),
        ('"api";r=0;t=55', 56),
        ("nonsense", 0),
        ('"api";r=;t=99999999999999999999', 0),
    ],
)
def test_pace(limited: RateLimitMiddleware, clock: Clock, limit: str, waited: float) -> None:
    response = answer(RateLimit=limit, RateLimit_Policy=POLICY)
    assert run(limited.process_response(LISTING, response)) is response
    run(limited.process_request(LISTING))
    assert clock.now == 1000 + waited


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"RateLimit": '"api";r=0;t=55', "RateLimit_Policy": POLICY}, 56),
        ({"RateLimit": '"api";r=0;t=55', "Retry_After": "7"}, 56),
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 2),
        ({}, 2),
        ({"Retry_After": "99999999"}, 3600),
    ],
)
def test_pause(limited: RateLimitMiddleware, clock: Clock, headers: dict[str, str], waited: float) -> None:
    again = run(limited.process_response(LISTING, answer(429, **headers)))
    assert isinstance(again, Request)
    run(limited.process_request(again))
    assert clock.now == 1000 + waited


def test_other_hosts_do_not_wait(limited: RateLimitMiddleware, clock: Clock) -> None:
    run(limited.process_response(LISTING, answer(429, Retry_After="7")))
    run(limited.process_request(Request("https://modelzoo.co/")))
    assert clock.now == 1000


def test_a_host_that_fails_is_paused_longer_each_time(clock: Clock) -> None:
    limited = RateLimitMiddleware(3, clock, clock.sleep, tries=3, pause=1)
    page = LISTING.replace(meta={PATIENT: True})
    waited = []
    for tries in range(5):
        request = page.replace(meta={**page.meta, "retry_times": tries})
        if tries == 1:
            limited.process_exception(request, OSError())
        else:
            run(limited.process_response(request, answer(503, **({"Retry_After": "60"} if tries == 2 else {}))))
        before = clock.now
        run(limited.process_request(page))
        waited.append(clock.now - before)
    assert waited == [1, 2, 60, 0, 0]


def test_an_optional_request_is_not_retried_for_long(clock: Clock) -> None:
    limited = RateLimitMiddleware(3, clock, clock.sleep, tries=3, pause=1)
    run(limited.process_response(LISTING, answer(503)))
    run(limited.process_request(LISTING))
    assert clock.now == 1000


def test_patience_ends(limited: RateLimitMiddleware) -> None:
    request = LISTING
    for _ in range(3):
        request = run(limited.process_response(request, answer(429)))
        assert isinstance(request, Request)
    assert run(limited.process_response(request, answer(429))).status == 429


def test_a_listing_provokes_no_429(hubs: Hubs, crawl: Start) -> None:
    with Hubs(models=1200, rate_limit=(10, 2), troubles=False) as limited:
        limited.huggingface.most = 100
        done = crawl("huggingface", fraction=0, HUGGINGFACE_URL=limited.url)
        assert len(done.records) == 1200
        assert [request.status for request in limited.asked("^/api/models")] == [200] * 12


def test_a_complete_listing_at_500_requests_per_window_provokes_no_429(
    limited: RateLimitMiddleware, clock: Clock
) -> None:
    """Hugging Face's 3,030 pages, each of which takes 0.1 s, against the count that it keeps."""
    window, asked = 1000.0, 0
    for _ in range(3030):
        run(limited.process_request(LISTING))
        if clock.now >= window + 300:
            window, asked = clock.now, 0
        asked += 1
        assert asked <= 500
        left, seconds = 500 - asked, int(window + 300 - clock.now)
        told = answer(RateLimit=f'"api";r={left};t={seconds}', RateLimit_Policy=POLICY)
        run(limited.process_response(LISTING, told))
        clock.now += 0.1
    assert clock.now < 1000 + 3030 / 500 * 300 * 1.1


def test_the_user_agent_is_sent(hubs: Hubs, crawl: Start) -> None:
    hubs.serve("o/m", Repository([{"a": b"1"}]))
    hubs.huggingface.models = [{"id": "o/m", "sha": "1" * 40}]
    crawl("huggingface", fraction=1, USER_AGENT="study/1 (+mailto:who@example.org)")
    agents = {request.path.partition("?")[0]: request.headers["User-Agent"] for request in hubs.requests}
    assert agents["/api/models"] == "study/1 (+mailto:who@example.org)"
    assert agents["/o/m/info/refs"] == "git/2 study/1 (+mailto:who@example.org)"


def test_pages_of_a_site_are_not_asked_for_where_robots_txt_forbids_it(hubs: Hubs, crawl: Start) -> None:
    hubs.faults.add("^/robots.txt", status=200, body="User-agent: *\nDisallow: /modelzoo/\n")
    done = crawl("modelzoo", fraction=0)
    assert done.status == 1
    assert len(done.errors) == 1
    assert "robots.txt" in done.errors[0]
    assert hubs.asked("^/modelzoo/") == []


def test_a_documented_api_does_not_depend_on_robots_txt(hubs: Hubs, crawl: Start) -> None:
    hubs.faults.add("^/robots.txt", status=200, body="User-agent: *\nDisallow: /\n")
    assert crawl("huggingface", fraction=0).status == 0


@pytest.mark.parametrize("limit", ['"api";r=0;t=999999999', '"api";r=1;t=99999'])
def test_no_server_makes_a_crawl_wait_for_years(clock: Clock, limit: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    limited = RateLimitMiddleware(3, clock, clock.sleep, longest=900)
    run(limited.process_response(LISTING, answer(RateLimit=limit)))
    run(limited.process_request(LISTING))
    assert clock.now == 1900
    assert [record.getMessage() for record in caplog.records] == [
        "waiting 900 seconds for the rate limit (huggingface.co)"
    ]


def test_a_window_has_no_more_to_come_than_it_is_long(limited: RateLimitMiddleware, clock: Clock) -> None:
    run(limited.process_response(LISTING, answer(RateLimit='"api";r=0;t=999999999', RateLimit_Policy=POLICY)))
    run(limited.process_request(LISTING))
    assert clock.now == 1301
