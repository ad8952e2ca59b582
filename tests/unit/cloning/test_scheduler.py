"""The scheduler of clones chooses the next repository."""

import asyncio

from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler, Job
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from tests.unit.cloning.conftest import AddModel


async def _take(jobs: CloneScheduler, number: int) -> list[Job]:
    found = [await jobs.next() for _ in range(number)]
    return [job for job in found if job is not None]


def test_no_host_takes_all_places_while_another_one_waits(listing: CrawlDatabase, add_model: AddModel) -> None:
    for number in range(8):
        add_model(f"slow/m{number}", "https://slow.example", rank=9)
    for number in range(3):
        add_model(f"other/m{number}", "https://other.example")
    listing.choose(11)

    async def hosts() -> list[str]:
        jobs = CloneScheduler(listing, pause=1, places=4)
        return [job.listed.host for job in await _take(jobs, 4)]

    assert asyncio.run(hosts()) == ["slow.example", "slow.example", "other.example", "other.example"]


def test_a_host_alone_takes_all_places(listing: CrawlDatabase, add_model: AddModel) -> None:
    for number in range(5):
        add_model(f"o/m{number}")
    listing.choose(5)

    async def taken() -> int:
        return len(await _take(CloneScheduler(listing, pause=1, places=4), 5))

    assert asyncio.run(taken()) == 5


def test_a_place_is_given_back(listing: CrawlDatabase, add_model: AddModel) -> None:
    for base in ("https://a.example", "https://b.example"):
        for number in range(3):
            add_model(f"{base[8]}/m{number}", base)
    listing.choose(6)

    async def third_host() -> str:
        jobs = CloneScheduler(listing, pause=1, places=2)
        first, _ = await _take(jobs, 2)
        jobs.done(first, well=True)
        [third] = await _take(jobs, 1)
        return third.listed.host

    assert asyncio.run(third_host()) == "a.example"
