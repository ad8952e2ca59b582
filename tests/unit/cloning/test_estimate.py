"""Estimates of bytes, and the sample that they are made from."""

from ptmtorrent_scrapy.cloning.estimate import Sampled, estimate
from ptmtorrent_scrapy.cloning.plan_sample import PlanSample, Work
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.storage.tree import DataTree
from tests.unit.cloning.conftest import AddModel


def test_the_interval_holds_the_true_sum() -> None:
    sizes = [(number * 7919 % 101) ** 3 for number in range(1000)]
    made = estimate(50, [Sampled(1000, sizes[:100])])
    assert made.low < sum(sizes) + 50 < made.high
    assert estimate(50, [Sampled(0, [])]).bytes == 50


def test_strata_make_the_interval_narrow() -> None:
    """A few repositories have most of the bytes: a stratified sample is not distorted by them."""
    large, small = [10**9] * 10, [10**6] * 990
    mixed = estimate(0, [Sampled(1000, large[:1] + small[:29])])
    stratified = estimate(0, [Sampled(10, large[:3]), Sampled(990, small[:27])])
    assert stratified.bytes == sum(large) + sum(small)
    assert stratified.high - stratified.low < mixed.high - mixed.low


def test_a_stratum_without_a_sample_counts_as_the_others() -> None:
    assert estimate(0, [Sampled(10, [100, 100]), Sampled(10, [])]).bytes == 2000


def test_every_range_of_downloads_is_in_the_sample(listing: CrawlDatabase, tree: DataTree, add_model: AddModel) -> None:
    for number in range(200):
        add_model(f"o/m{number}", rank=1000 - number)
    chosen, _ = listing.choose(200)
    sample = PlanSample(listing, tree, CloneRequest(url="", path="", store=""))
    strata = sample.draw(chosen, 30)
    assert [stratum.size for stratum in strata] == [2, 18, 180]
    assert [len(stratum.sample) for stratum in strata] == [2, 14, 14]
    assert {each.url for each in strata[0].sample} == {f"https://hub.example/o/m{number}" for number in range(2)}
    assert sample.work == {Work.CLONE: 200}


def test_what_is_known_to_be_unavailable_is_not_to_clone(
    listing: CrawlDatabase, tree: DataTree, add_model: AddModel
) -> None:
    for name in ("o/gated", "o/missing", "o/empty", "o/failed", "o/new"):
        add_model(name)
        status = name.removeprefix("o/")
        if status != "new":
            listing.set_result(f"https://hub.example/{name}", f'{{"status": "{status}"}}'.encode(), path=None)
    listing.choose(5)
    sample = PlanSample(listing, tree, CloneRequest(url="", path="", store=""))
    sample.draw(5, 10)
    assert sample.work == {Work.UNAVAILABLE: 3, Work.CLONE: 2}
