"""Servers that limit requests, cut connections and disappear."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.items import Metadata, Model
from tests import hubs as content
from tests.conftest import Start
from tests.hubs import Hubs, Large

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
RETRY = {"CLONE_RETRIES": 3, "CLONE_RETRY_PAUSE": 0}


@pytest.fixture
def models(hubs: Hubs) -> list[str]:
    names = [f"o/m{number}" for number in range(3)]
    listed = []
    for number, name in enumerate(names):
        files: content.Files = {".gitattributes": ATTRIBUTES, "w.bin": Large(b"%d" % number * 100_000)}
        listed.append({"id": name, "sha": hubs.serve(name, content.Repository([files])).head})
    hubs.huggingface.models = listed
    return names


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("^/o/m1/info/refs", {"status": 429, "headers": {"Retry-After": "0"}}),
        ("^/o/m1/info/refs", {"status": 503}),
        ("^/o/m1/git-upload-pack", {"status": 502}),
        ("^/o/m1/git-upload-pack", {"cut": 100}),
        ("^/o/m1.git/info/lfs", {"status": 429}),
        ("^/o/m1.git/info/lfs", {"status": 503}),
        ("^/_lfs/", {"status": 429}),
        ("^/_lfs/", {"status": 500}),
        ("^/_lfs/", {"cut": 50_000}),
    ],
)
def test_temporary_failures_are_tried_again(
    crawl: Start, hubs: Hubs, models: list[str], path: str, fault: dict[str, Any]
) -> None:
    hubs.faults.add(path, times=3, **fault)
    done = crawl("huggingface", fraction=1, **RETRY)
    assert done.status == 0
    assert done.statuses == dict.fromkeys(models, "cloned")
    assert all((done.folder / "repos" / name / "w.bin").stat().st_size == 100_000 for name in models)


@pytest.mark.parametrize("status", [404, 403, 410])
def test_permanent_failures_are_not_tried_again(crawl: Start, hubs: Hubs, models: list[str], status: int) -> None:
    hubs.faults.add("^/o/m1/info/refs", status=status)
    done = crawl("huggingface", fraction=1, **RETRY)
    assert done.statuses[f"{hubs.url}/o/m1"] in ("missing", "gated")
    assert len(hubs.asked("^/o/m1/info/refs")) == 1


def test_attempts_are_recorded(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    hubs.faults.add("^/o/m1/info/refs", status=500)
    done = crawl("huggingface", fraction=1, **RETRY)
    lines = {line["url"].rpartition("/")[2]: line for line in done.read("json/repositories.jsonl")}
    assert (lines["m1"]["status"], lines["m1"]["attempts"], lines["m0"]["attempts"]) == ("failed", 4, 1)
    assert len(hubs.asked("^/o/m1/info/refs")) == 4


def test_an_existing_clone_stays_in_its_line(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    crawl("huggingface", fraction=1)
    assert isinstance(hubs.huggingface.models, list)
    for model in hubs.huggingface.models:
        model["sha"] = "1" * 40
    hubs.faults.add("^/o/m1/info/refs", status=500)
    done = crawl("huggingface", fraction=1)
    assert done.statuses["o/m1"] == "failed"
    assert all(line["path"] and line["lfs_objects"] == 1 for line in done.read("json/repositories.jsonl"))


def test_hosts_that_do_not_answer_fail_the_crawl(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    hubs.faults.add("^/o/", status=503)
    done = crawl("huggingface", fraction=1, CLONE_RETRIES=20, CLONE_RETRY_PAUSE="0.001")
    assert done.status == 1
    assert "Hugging Face: unreachable" in done.log
    assert set(done.statuses.values()) == {"failed"}
    assert len(done.records) == 3


class Clock:
    """A clock that advances during waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[CrawlDatabase]:
    listing = CrawlDatabase(tmp_path / "listing")
    for number, host in enumerate(("a.example", "a.example", "b.example", "a.example")):
        url = f"https://{host}/o/m{number}"
        model = Model(
            key=url,
            metadata=Metadata("", None),
            name=url,
            owner="o",
            url=url,
            owner_url=url,
            repository=url,
            folder=url,
        )
        listing.add(model, wanted=True, rank=0)
    listing.choose(4)
    yield listing
    listing.close()


def test_a_host_that_demands_a_pause_does_not_pause_others(listing: CrawlDatabase) -> None:
    asyncio.run(_left_alone(listing))


async def _left_alone(listing: CrawlDatabase) -> None:
    clock = Clock()
    turns = CloneScheduler(listing, pause=1, clock=clock)
    first = await turns.next()
    assert first
    turns.pause_host("a.example", 300)
    turns.retry(first)
    assert await _next(turns) == "b.example/o/m2"
    clock.now = 299
    assert await _next(turns) is None
    clock.now = 300
    after = [await _next(turns) for _ in range(4)]
    assert after == ["a.example/o/m0", "a.example/o/m1", "a.example/o/m3", None]


async def _next(turns: CloneScheduler) -> str | None:
    """Return the next job if one is ready, else None."""
    task = asyncio.create_task(turns.next())
    await asyncio.sleep(0)
    if not task.done():
        task.cancel()
        return None
    turn = task.result()
    return turn.listed.url.partition("//")[2] if turn else None


def test_no_pause_is_longer_than_the_setting(listing: CrawlDatabase) -> None:
    turns = CloneScheduler(listing, pause=1, max_wait=120, clock=Clock())
    assert turns.pause_host("a.example", 3600) == 120
    assert turns.pause_host("a.example", 60) == 0


def test_pauses_grow_and_a_host_is_given_up(listing: CrawlDatabase) -> None:
    clock = Clock()
    turns = CloneScheduler(listing, pause=1, clock=clock)
    pauses = []
    while not turns.is_given_up("a.example"):
        turns.pause_host("a.example", None)
        before = clock.now
        clock.now = turns.paused_until("a.example")
        pauses.append(clock.now - before)
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert sum(pauses) > 3600
    assert max(pauses) <= 3600
