"""Modelhub, crawled whole."""

from typing import Any

import pytest

from tests.conftest import Start, git
from tests.hubs import Hubs, Repository


def test_a_complete_hub(crawl: Start, hubs: Hubs, published: Any) -> None:
    done = crawl("modelhub")
    assert done.status == 0
    assert done.errors == []
    assert done.read("json/metadata/mh_metadata.json") == hubs.modelhub.models
    assert set(done.statuses.values()) == {"cloned"}
    assert all(published.is_valid(record) for record in done.records)
    for position, (record, model) in enumerate(zip(done.records, hubs.modelhub.models, strict=True)):
        owner, name = model["github"].split("/")[3:5]
        clone = done.folder / "repos" / owner / name.removesuffix(".git")
        assert record["ModelHub"]["MetadataObjectID"] == position
        assert (record["ModelName"], record["ModelTask"]) == (model["name"], model["task_extended"])
        assert (record["ModelURL"], record["ModelOwnerURL"]) == (model["github"], f"https://github.com/{owner}")
        assert record["LatestGitCommitSHA"] == git(clone, "rev-parse", "HEAD").strip()
        assert git(clone, "status", "--porcelain") == ""
    architectures = [record.get("ModelArchitecture") for record in done.records]
    assert architectures.count(None) == 3  # the notebooks
    assert {doi for record in done.records for doi in record.get("ModelPaperDOIs", [])} == {
        "10.48550/arXiv.1602.07360",
        "10.1109/CVPR.2016.90",
    }


def test_metadata_only(crawl: Start, hubs: Hubs) -> None:
    hubs.modelhub.models = hubs.modelhub.models[:10]
    whole, told = crawl("modelhub"), crawl("modelhub", fraction=0)
    commits = [record["LatestGitCommitSHA"] for record in whole.records]
    assert [record["LatestGitCommitSHA"] for record in told.records] == commits


def test_a_share_in_the_order_of_the_hub(crawl: Start, hubs: Hubs) -> None:
    done = crawl("modelhub", fraction=0.25)
    first = [model["github"].split("/")[4].removesuffix(".git") for model in hubs.modelhub.models[:4]]
    assert {path.split("/")[1] for path in done.statuses} == set(first)
    assert len(done.records) == len(hubs.modelhub.models)


def test_models_of_one_repository_share_a_clone(crawl: Start, hubs: Hubs) -> None:
    entry = hubs.modelhub.models[0]
    spellings = ("", "/", ".git", "/tree/master/folder")
    hubs.modelhub.models = [
        {**entry, "id": str(number), "name": f"model {number}", "github": entry["github"] + spelling}
        for number, spelling in enumerate(spellings)
    ]
    done = crawl("modelhub")
    assert done.statuses == {"modelhub-ai/model-0": "cloned"}
    assert len({record["LatestGitCommitSHA"] for record in done.records}) == 1
    assert len(done.records) == 4
    assert len(hubs.asked("info/refs")) == 1


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c touch% /tmp/owned", "--upload-pack=touch /tmp/owned", "-oProxyCommand=x", "file:///etc", "", None, 7],
)
def test_what_is_no_repository(crawl: Start, hubs: Hubs, url: Any) -> None:
    entry = hubs.modelhub.models[0]
    hubs.modelhub.models = [{**entry, "name": "hostile", "id": "1", "github": url}, entry]
    done = crawl("modelhub")
    assert done.status == 0
    assert [record["ModelName"] for record in done.records] == [entry["name"]]
    assert [line["name"] for line in done.read("json/rejected.jsonl")] == ["hostile"]
    assert done.statuses.get(url, "refused") == "refused"


@pytest.mark.parametrize("config", [b"{", b"[]", b'{"model": 3, "publication": []}', b'{"model": {"architecture": 5}}'])
def test_a_config_of_another_shape(crawl: Start, hubs: Hubs, config: bytes) -> None:
    hubs.modelhub.models = [hubs.modelhub.models[0]]
    hubs.serve("/github.com/modelhub-ai/model-0", Repository([{"contrib_src/model/config.json": config}]))
    done = crawl("modelhub")
    assert len(done.records) == 1
    assert "ModelArchitecture" not in done.records[0]


@pytest.mark.parametrize("body", ["<html>", '{"models": []}', "[]"])
def test_an_index_of_another_shape(crawl: Start, hubs: Hubs, body: str) -> None:
    hubs.modelhub.models = hubs.modelhub.models[:5]
    crawl("modelhub", fraction=0)
    hubs.faults.add("modelhub/models.json", status=200, body=body)
    done = crawl("modelhub", fraction=0)
    assert done.status == 1
    assert len(done.errors) == 1
    assert len(done.records) == 5


def test_repositories_that_never_answered_have_no_record_to_lose(crawl: Start, hubs: Hubs) -> None:
    given = hubs.modelhub.models
    hubs.faults.add("/github.com/modelhub-ai/model-[0-5]/info/refs", status=503)
    hubs.modelhub.models = given[:8]
    before = crawl("modelhub", fraction=0, CLONE_RETRIES=0, CLONE_RETRY_PAUSE=0).records
    assert 0 < len(before) < 4
    hubs.modelhub.models = given[:9]
    done = crawl("modelhub", fraction=0, CLONE_RETRIES=0, CLONE_RETRY_PAUSE=0)
    assert done.status == 0
    assert len(done.records) == len(before) + 1


def test_a_forge_that_does_not_answer_costs_no_record(crawl: Start, hubs: Hubs) -> None:
    hubs.modelhub.models = hubs.modelhub.models[:10]
    first = crawl("modelhub")
    before, lines = first.records, first.read("json/repositories.jsonl")
    hubs.faults.add("info/refs", status=503)
    done = crawl("modelhub", CLONE_REFRESH=0, CLONE_RETRIES=0, CLONE_RETRY_PAUSE=0)
    assert done.status == 1
    assert done.records == before
    assert {line["commit"] for line in done.read("json/repositories.jsonl") if line["path"]} == {
        line["commit"] for line in lines if line["path"]
    }
