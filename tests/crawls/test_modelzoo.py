"""ModelZoo, crawled whole."""

from typing import Any

import pytest

from ptmtorrent_scrapy.formats.repository_urls import repository
from tests.conftest import Crawl, Start, git
from tests.hubs import Hubs
from tests.hubs.modelzoo import DOIS, LINKS

DEAD, NO_REPOSITORY = [9], [10, 11, 12, 13]  # entries of LINKS for both


@pytest.fixture
def zoo(crawl: Start, hubs: Hubs) -> Start:
    """Return a function that crawls ModelZoo."""
    return lambda **settings: crawl("modelzoo", MODELZOO_URL=hubs.modelzoo.url, **settings)


def test_a_complete_hub(zoo: Start, hubs: Hubs, published: Any) -> None:
    done = zoo()
    assert done.status == 0
    pages = hubs.modelzoo.pages
    assert done.read("json/metadata/mz_metadata.json") == {"models": hubs.modelzoo.index}
    assert done.read("json/metadata/mz_models_metadata.json") == list(pages.values())
    for slug, page in pages.items():
        assert done.read(f"json/metadata/models/{slug}_metadata.json") == page
    recorded = [number for number in range(len(pages)) if number not in DEAD + NO_REPOSITORY]
    assert [record["ModelName"] for record in done.records] == [f"Model {number}" for number in recorded]
    for record, number in zip(done.records, recorded, strict=True):
        page = pages[f"model-{number}"]
        titles = [category["title"] for category in page["categories"]]
        assert published.is_valid(record)
        assert record["ModelHub"]["MetadataFilePath"] == "data/modelzoo/json/metadata/mz_models_metadata.json"
        assert record["ModelHub"]["MetadataObjectID"] == number
        assert record["ModelURL"] == page["link"]
        assert record.get("ModelTask") == next(iter(titles), None)
        assert tuple(record.get("ModelPaperDOIs", ())) == DOIS[number % len(DOIS)]
        assert record["ModelLibrary"] == page["framework"]
        assert record.get("ModelLikes") == page["stars"]
    assert {(line["name"], line["position"], line["reason"]) for line in done.read("json/rejected.jsonl")} == {
        *((f"Model {number}", number, "no commit") for number in DEAD),
        *((f"Model {number}", number, "no repository") for number in NO_REPOSITORY),
    }


def test_models_that_name_the_same_repository_share_its_clone(zoo: Start) -> None:
    done = zoo()
    forges = {"gitlab.com+zoo/alone", "gitlab.com+zoo+deep/alone", "bitbucket.org+zoo/alone"}
    cloned = {"zoo/shared", "zoo/alone", "gist.github.com/0123456789abcdef0123456789abcdef", *forges}
    cloned |= {f"zoo/model-{number}" for number in range(len(LINKS), 30)}
    assert done.statuses == {**dict.fromkeys(cloned, "cloned"), "https://github.com/zoo/dead": "missing"}
    head = git(done.folder / "repos" / "zoo" / "shared", "rev-parse", "HEAD").strip()
    assert [record["LatestGitCommitSHA"] for record in done.records[:4]] == [head] * 4
    assert {record["ModelOwner"] for record in done.records[:4]} == {"zoo"}
    readmes = {(done.folder / "repos" / path / "README.md").read_text() for path in cloned}
    assert len(readmes) == len(cloned), "no two repositories lie in one folder"


def test_the_share_that_is_cloned_has_the_most_stars(zoo: Start, hubs: Hubs) -> None:
    done = zoo(fraction=0.1)
    stars = {page["link"]: page["stars"] or 0 for page in hubs.modelzoo.pages.values()}
    most = sorted(stars, key=lambda link: -stars[link])[:3]
    assert set(done.statuses) == {named.folder for link in most if link and (named := repository(link))}
    assert len(done.records) == 30 - len(DEAD + NO_REPOSITORY)


def test_a_page_costs_its_model_alone(zoo: Start, hubs: Hubs) -> None:
    pages: list[tuple[Any, str]] = [
        (None, "no page"),
        ("<html>maintenance</html>", "no page"),
        ('{"title": "cut', "no page"),
        ("[]", "no page"),
        ("{}, {}", "no page"),
        ("[" * 100_000, "no page"),
        ({"title": None}, "no name"),
        ({"title": 3, "link": ["x"], "stars": "many", "papers": 7, "categories": {"a": 1}}, "no name"),
        ({"title": "Odd", "link": 7}, "no repository"),
    ]
    good = hubs.modelzoo.index[16:18]
    bad = [{"slug": f"bad-{number}", "title": "Bad"} for number in range(len(pages))]
    hubs.modelzoo.index = [good[0], *bad, good[1]]
    hubs.modelzoo.pages |= {f"bad-{number}": page for number, (page, _) in enumerate(pages) if page is not None}
    done = zoo(fraction=0)
    assert done.status == 0
    assert len(done.records) == 2
    lines = done.read("json/rejected.jsonl")
    reasons = [reason for _, reason in pages]
    assert [(line["position"], line["reason"]) for line in lines] == list(enumerate(reasons, 1))
    kept = [entry if reason == "no page" else page for entry, (page, reason) in zip(bad, pages, strict=True)]
    assert done.read("json/metadata/mz_models_metadata.json")[1:-1] == kept


def test_fields_of_another_type_are_skipped(zoo: Start, hubs: Hubs, published: Any) -> None:
    odd = {"stars": "many", "papers": [None, 7, {"a": 1}], "categories": [None, {"title": 3}, "x"], "framework": {}}
    hubs.modelzoo.pages["model-20"] = {"title": "Odd", "link": "github.com/zoo/model-20", **odd}
    done = zoo(fraction=0)
    (record,) = [record for record in done.records if record["ModelName"] == "Odd"]
    assert published.is_valid(record)
    assert record["ModelURL"] == "https://github.com/zoo/model-20"
    assert not {"ModelTask", "ModelPaperDOIs", "ModelLikes", "ModelLibrary", "ModelTags"} & set(record)
    assert "stars is string: 1 model" in done.log


def test_entries_of_the_index_that_cannot_be_asked_for(zoo: Start, hubs: Hubs) -> None:
    odd = [{"slug": "../../escape"}, {"slug": ".."}, {"slug": "a/b"}, {"title": "nameless"}, 7, {"slug": None}]
    hubs.modelzoo.index = [*hubs.modelzoo.index[:3], *odd, *hubs.modelzoo.index[:6]]
    done = zoo(fraction=0)
    assert [record["ModelHub"]["MetadataObjectID"] for record in done.records[:4]] == [0, 1, 2, 9]
    assert done.read("json/metadata/mz_models_metadata.json")[3:9] == odd
    reasons = [line["reason"] for line in done.read("json/rejected.jsonl") if line["position"] in range(3, 9)]
    assert reasons == ["unusable name"] * 3 + ["no slug"] * 3
    assert not hubs.asked("escape|a%2Fb")
    assert [path.name for path in done.folder.parent.parent.iterdir()] == ["data"]


@pytest.mark.parametrize(
    "fault",
    [
        {"path": "/api/models/0/", "status": 503},
        {"path": "/api/models/0/", "status": 404},
        {"path": "/api/models/0/", "status": 200, "body": "<html>maintenance</html>"},
        {"path": "/api/models/0/", "status": 200, "body": "[]"},
        {"path": "/api/models/0/", "status": 200, "body": '{"models": []}'},
        {"path": "/api/models/0/", "status": 200, "body": '{"models": {}}'},
        {"path": "/api/models/0/", "cut": 100},
        {"path": "/api/models/model", "status": 403},
    ],
)
def test_a_failed_listing_keeps_the_previous_data(zoo: Start, hubs: Hubs, fault: dict[str, Any]) -> None:
    hubs.modelzoo.index = hubs.modelzoo.index[:6]
    before = contents(zoo(fraction=0))
    hubs.modelzoo.index[0] = {**hubs.modelzoo.index[0], "title": "Another"}
    hubs.faults.add(**fault)
    done = zoo(fraction=0)
    assert done.status == 1
    assert len(done.errors) == 1
    assert "ModelZoo could not be listed; previous data is kept" in done.errors[0]
    assert contents(done) == before


def test_a_temporary_fault_deletes_nothing(zoo: Start, hubs: Hubs) -> None:
    before = zoo(fraction=0).records
    hubs.faults.add("/api/models/model-2[1-9]/", status=503)
    hubs.faults.add("/api/models/model-10/", status=200, body="<html>maintenance</html>")
    hubs.faults.add("/api/models/model-20/", status=404)
    hubs.faults.add("info/refs", status=503)
    done = zoo(fraction=0, CLONE_REFRESH=0)
    assert done.status == 1
    assert done.records == before
    assert "no repository's server could be reached" in done.log
    hubs.faults.clear()
    hubs.faults.add("/api/models/model-2[1-9]/", status=503)
    hubs.faults.add("/api/models/model-20/", status=404)
    hubs.faults.add("model-1[0-9]/info/refs", status=503)
    third = zoo(fraction=0, CLONE_REFRESH=0)
    assert third.status == 0
    lost = {record["ModelName"] for record in before} - {record["ModelName"] for record in third.records}
    assert lost == {hubs.modelzoo.pages["model-20"]["title"]}
    assert "last known commit was kept" in third.log
    assert "kept from an earlier crawl" in third.log


def test_an_index_that_fails_is_asked_for_again(zoo: Start, hubs: Hubs) -> None:
    hubs.faults.add("/api/models/0/", status=200, body='{"models": [', times=2)
    done = zoo(fraction=0)
    assert done.status == 0
    assert done.read("json/metadata/mz_metadata.json") == {"models": hubs.modelzoo.index}


def contents(done: Crawl) -> dict[str, bytes]:
    files = [path for path in done.folder.rglob("*") if path.is_file() and path.parent.name != "cache"]
    return {str(path): path.read_bytes() for path in files if path.name != "crawls.jsonl"}
