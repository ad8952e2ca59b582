"""Hugging Face, crawled whole."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from ptmtorrent_scrapy.formats.link_header import next_link
from ptmtorrent_scrapy.settings import HUGGINGFACE_EXPAND
from tests.conftest import Start, git
from tests.hubs import Hubs, Large, Repository
from tests.hubs.models import Models

_NAMED = re.compile(r"https?://\S+|\w[\w.-]*(/[\w.-]+)?", re.ASCII)  # a dataset, by its id or its own site


def recorded(shared: Path) -> list[str]:
    """Return the recorded models, one JSON text each."""
    return [
        of_a_listing(line) if year == 2025 else line
        for year in (2022, 2025)
        for line in (shared / "hubs" / "huggingface" / f"models-{year}.jsonl").read_text().splitlines()
    ]


LISTED = {"_id", "id", *HUGGINGFACE_EXPAND.split(",")}


@pytest.fixture
def listing(hubs: Hubs, shared: Path) -> list[dict[str, Any]]:
    """Return the recorded models as the hub's listing, one of them twice."""
    lines = recorded(shared)
    hubs.huggingface.models = [line.encode() for line in (*lines, lines[17])]
    return [json.loads(line) for line in lines]


def of_a_listing(line: str) -> str:
    """Return a single recorded model in the form of a listing."""
    return json.dumps({name: value for name, value in json.loads(line).items() if name in LISTED})


def test_recorded_models_become_records(crawl: Start, listing: list[dict[str, Any]], published: Any) -> None:
    done = crawl("huggingface", fraction=0)
    assert done.status == 0
    assert done.errors == []
    metadata = done.read("json/metadata/hf_metadata.json")
    assert metadata == listing
    assert done.read("json/rejected.jsonl") == []
    assert len(done.records) == len(listing)
    for position, (record, model) in enumerate(zip(done.records, listing, strict=True)):
        assert published.is_valid(record)
        assert record["id"] == record["ModelHub"]["MetadataObjectID"] == position
        assert record["ModelHub"]["MetadataFilePath"] == "data/huggingface/json/metadata/hf_metadata.json"
        assert compared(record) == expected(model)


def compared(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record in the form of `expected`, which reads the recorded object in another way."""
    datasets = record.get("Datasets", [])
    return {
        "name": record["ModelName"],
        "commit": record["LatestGitCommitSHA"],
        "task": record.get("ModelTask"),
        "architecture": record.get("ModelArchitecture"),
        "papers": record.get("ModelPaperDOIs", []),
        "train": {each["DatasetName"].lower() for each in datasets if "train" in each["DatasetUsages"]},
        "eval": {each["DatasetName"].lower() for each in datasets if "eval" in each["DatasetUsages"]},
        "mentions": set(record.get("ModelDatasetMentions", [])),
    }


def expected(model: dict[str, Any]) -> dict[str, Any]:
    config, card = model.get("config") or {}, model.get("cardData") or {}
    after = [tag.split(":", 1) for tag in model["tags"] if ":" in tag]
    datasets = card.get("datasets") or []
    train = {value for kind, value in after if kind == "dataset"}
    train |= set([datasets] if isinstance(datasets, str) else datasets)
    evaluated = {
        result["dataset"]["type"]
        for index in (model.get("model-index") or card.get("model-index") or [])
        for result in index["results"]
    } - {"unknown"}
    diffusers = [value for kind, value in after if kind == "diffusers"]
    return {
        "name": model.get("id") or model["modelId"],
        "commit": model["sha"],
        "task": model.get("pipeline_tag"),
        "architecture": config.get("model_type")
        or next(iter([*(config.get("architectures") or []), *diffusers]), None),
        "papers": [f"10.48550/arXiv.{value}" for kind, value in after if kind == "arxiv" and value != "1910.09700"],
        "train": {name.lower() for name in train if _NAMED.fullmatch(name)},
        "eval": {name.lower() for name in evaluated if _NAMED.fullmatch(name)},
        "mentions": {name for name in train | evaluated if not _NAMED.fullmatch(name)},
    }


def test_every_object_is_kept_verbatim(crawl: Start, hubs: Hubs) -> None:
    odd = b'{"id": "a/b", "downloads": 1.0e2, "big": 123456789012345678901234567890,   "x": "\\ud83d", "sha": null}'
    hubs.huggingface.models = [odd, b'{"id":"c/d","twice":1,"twice":2}', b'"no object"', b"{}"]
    done = crawl("huggingface", fraction=0)
    text = (done.folder / "json" / "metadata" / "hf_metadata.json").read_bytes()
    assert text == b'[\n%s,\n{"id":"c/d","twice":1,"twice":2},\n"no object",\n{}\n]\n' % odd
    assert [line["reason"] for line in done.read("json/rejected.jsonl")] == ["no commit", "no commit", "no id", "no id"]
    assert "twice is new" in done.log


def test_a_complete_hub(crawl: Start, hubs: Hubs, folder: Path, published: Any) -> None:
    done = crawl("huggingface", fraction=0.5)
    assert done.status == 0
    models = hubs.huggingface.generated
    newest_first = [models.model(index) for index in reversed(range(len(models)))]
    assert [record["ModelName"] for record in done.records] == [model["id"] for model in newest_first]
    assert all(published.is_valid(record) for record in done.records)
    by_downloads = sorted(newest_first, key=lambda model: -model["downloads"])
    folders = {model["id"] if "/" in model["id"] else f"huggingface.co/{model['id']}" for model in by_downloads[:30]}
    assert done.statuses == dict.fromkeys(folders, "cloned")
    named = {record["ModelRepositoryPath"]: record for record in done.records if "ModelRepositoryPath" in record}
    assert set(named) == {f"repos/{path}" for path in folders}
    for path in folders:
        clone = done.folder / "repos" / path
        model = models.model(models.index(path.removeprefix("huggingface.co/")) or 0)
        assert git(clone, "rev-parse", "HEAD").strip() == model["sha"]
        assert git(clone, "status", "--porcelain") == ""
        files = git(clone, "ls-files", "-z").split("\0")[:-1]
        assert named[f"repos/{path}"]["ModelBytes"] == sum((clone / file).stat().st_size for file in files)
        assert git(clone, "lfs", "fsck") == "Git LFS fsck OK\n"
        assert len(git(clone, "log", "--oneline").splitlines()) == models.revisions(models.index(model["id"]) or 0)
    assert_stored_once(done.folder, models, [models.index(model["id"]) or 0 for model in by_downloads[:30]])


def assert_stored_once(tree: Path, models: Models, cloned: list[int]) -> None:
    """Check that each large file exists once in the tree, however many clones use it."""
    numbers = [number for index in cloned for number, _ in models.large(index)]
    assert len(numbers) > len(set(numbers)), "the seed must make models that share a large file"
    found = [path.stat() for part in ("repos", "lfs") for path in (tree / part).rglob("*") if path.is_file()]
    large = sum(size for _, size in {(file.st_ino, file.st_size) for file in found} if size >= models.pool_size(0))
    assert large == sum(models.pool_size(number) for number in set(numbers))


def test_a_second_crawl_asks_no_repository(crawl: Start, hubs: Hubs) -> None:
    first = crawl("huggingface", fraction=0.1)
    hubs.requests.clear()
    second = crawl("huggingface", fraction=0.1, CLONE_REFRESH="1d")
    assert set(second.statuses.values()) == {"current"}
    assert first.records == second.records
    assert hubs.asked(r"info/refs|upload-pack|lfs") == []


def test_pages_and_paces(crawl: Start, hubs: Hubs) -> None:
    hubs.huggingface.models = [json.dumps({"id": f"a/m{number}", "sha": "1" * 40}).encode() for number in range(2500)]
    done = crawl("huggingface", fraction=0)
    assert [record["ModelName"] for record in done.records] == [f"a/m{number}" for number in range(2500)]
    asked = hubs.asked("^/api/models")
    assert len(asked) == 3
    assert unquote(asked[0].path).startswith("/api/models?sort=createdAt&limit=1000&expand[]=author&expand[]=sha&")


@pytest.mark.parametrize(
    ("header", "following"),
    [
        ('<https://h.example/a?c=1>; rel="next"', "https://h.example/a?c=1"),
        ("<a>;rel=next", "a"),
        ('<a>; rel="first", <b>; title="more, of <it>"; rel="next last"', "b"),
        ("<a>; REL=Next , <b>; rel=prev", "a"),
        ('<a>; title="rel=next"', None),
        ("<a>", None),
        ("", None),
    ],
)
def test_the_next_page_of_a_page(header: str, following: str | None) -> None:
    assert next_link(header) == following


@pytest.mark.parametrize("header", ["next", "<a", '<a>; rel="next', "<a> <b>; rel=next"])
def test_a_header_that_is_not_a_link(header: str) -> None:
    with pytest.raises(ValueError, match="is not a link"):
        next_link(header)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 200, "body": "<html>maintenance</html>"},
        {"status": 200, "body": '[{"id": "a/b"}, {"id"'},
        {"cut": 500},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 429, "headers": {"RateLimit": '"api";r=0;t=0'}},
    ],
)
def test_a_page_that_fails_is_asked_for_again(crawl: Start, hubs: Hubs, fault: dict[str, Any]) -> None:
    hubs.faults.add("^/api/models", times=2, **fault)
    done = crawl("huggingface", fraction=0)
    assert done.status == 0
    assert len(done.records) == 60
    assert len(hubs.asked("^/api/models")) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 404},
        {"status": 200, "body": "<html>maintenance</html>"},
        {"status": 200, "body": "[]"},
        {"status": 200, "body": "[]", "headers": {"Link": '<http://example.org/api/models?cursor=1>; rel="next"'}},
        {"status": 200, "body": '[{"id": "a/b"}]', "headers": {"Link": '</api/models?cursor=1>; rel="next"'}},
        {"status": 200, "body": '[{"id": "a/b"}]', "headers": {"Link": '<HUB/api/models?cursor=1>; rel="next"'}},
        {"status": 200, "body": '[{"id": "a/b"}]', "headers": {"Link": "HUB/api/models?cursor=1; rel=next"}},
        {"cut": 100},
    ],
)
def test_a_failed_listing_keeps_the_previous_data(crawl: Start, hubs: Hubs, fault: dict[str, Any]) -> None:
    before = {path: path.read_bytes() for path in files(crawl("huggingface", fraction=0).folder)}
    headers = {name: value.replace("HUB", hubs.url) for name, value in fault.get("headers", {}).items()}
    hubs.faults.add("^/api/models", **{**fault, "headers": headers})
    done = crawl("huggingface", fraction=0)
    assert done.status == 1
    assert len(done.errors) == 1
    assert "Hugging Face could not be listed; previous data is kept" in done.errors[0]
    assert {path: path.read_bytes() for path in files(done.folder)} == before


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "crawls.jsonl"]


def test_a_commit_that_the_hub_does_not_provide_is_requested(crawl: Start, hubs: Hubs) -> None:
    models = hubs.huggingface.generated
    told = [{**models.model(index), "sha": None} for index in (3, 4)]
    hubs.huggingface.models = [*told, {"id": "nobody/nothing"}]
    done = crawl("huggingface", fraction=0)
    assert [record["LatestGitCommitSHA"] for record in done.records] == [models.head(3), models.head(4)]
    [rejected] = done.read("json/rejected.jsonl")
    assert (rejected["name"], rejected["position"], rejected["reason"]) == ("nobody/nothing", 2, "no commit")
    assert "not public" in rejected["detail"]


def test_results_of_repositories(crawl: Start, hubs: Hubs) -> None:
    for name in ("o/gated", "o/fine"):
        hubs.serve(name, Repository([{"README.md": b"# A model\n"}]))
    hubs.serve("o/empty", Repository())
    hubs.huggingface.gated.add("o/gated")
    names = ("o/gated", "o/fine", "o/empty", "o/missing", "../../escape", "a/b/c", "o/\u202egnp.exe")
    hubs.huggingface.models = [
        {"id": name, "sha": "2" * 40, "gated": "auto" if "gated" in name else False} for name in names
    ]
    done = crawl("huggingface", fraction=1)
    assert {url.removeprefix(f"{hubs.url}/"): status for url, status in done.statuses.items()} == {
        "o/gated": "gated",
        "o/fine": "cloned",
        "o/empty": "empty",
        "o/missing": "missing",
        "../../escape": "refused",
        "a/b/c": "refused",
        "o/%E2%80%AEgnp.exe": "refused",
    }
    assert [record["ModelName"] for record in done.records] == list(names[:4])
    assert {line["name"]: line["reason"] for line in done.read("json/rejected.jsonl")} == dict.fromkeys(
        names[4:], "unusable name"
    )
    assert [path.name for path in done.folder.parent.parent.iterdir()] == ["data"]


def test_the_token_is_for_the_hub_alone(crawl: Start, hubs: Hubs) -> None:
    hubs.token = "hf_verysecret"
    for name in ("o/gated", "o/open"):
        hubs.serve(name, Repository([{".gitattributes": b"*.bin filter=lfs\n", "w.bin": Large(name.encode() * 1000)}]))
    hubs.huggingface.gated.add("o/gated")
    hubs.huggingface.models = [{"id": name, "sha": "2" * 40, "gated": "auto"} for name in ("o/gated", "o/open")]
    done = crawl("huggingface", fraction=1, environment={"HF_TOKEN": "hf_verysecret"})
    assert set(done.statuses.values()) == {"cloned"}
    assert "verysecret" not in done.log
    assert [path for path in files(done.folder) if b"verysecret" in path.read_bytes()] == []
    told = {request.path for request in hubs.requests if "Authorization" in request.headers}
    assert any(path.startswith("/api/models") for path in told)
    assert not any(path.startswith("/_lfs/") or "o/open" in path for path in told)


def test_the_token_goes_to_no_other_host(crawl: Start, hubs: Hubs) -> None:
    with Hubs(models=3, troubles=False) as other:
        location = f"{other.url}/api/models?full=true&cardData=true&config=true"
        hubs.faults.add("^/api/models", status=302, headers={"Location": location})
        hubs.faults.add(
            "info/refs", status=302, headers={"Location": f"{other.url}/o/m/info/refs?service=git-upload-pack"}
        )
        other.huggingface.gated.add("o/m")
        other.huggingface.models = [{"id": "o/m", "sha": "2" * 40, "gated": "auto"}]
        settings = {"MODELHUB_URL": f"{other.url}/modelhub/models.json"}  # so that this machine's address is allowed
        done = crawl("huggingface", fraction=1, environment={"HF_TOKEN": "hf_verysecret"}, **settings)
        assert set(done.statuses.values()) == {"gated"}
        assert len(other.requests) > 1
        assert not any("Authorization" in request.headers for request in other.requests)
