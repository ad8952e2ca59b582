"""The listing of Hugging Face: requested fields, sizes of pages, and the endpoint in use."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ptmtorrent_scrapy.settings import HUGGINGFACE_EXPAND
from tests import processes
from tests.conftest import ROOT, Crawl, Start, command
from tests.hubs import Hubs

PAGE = "^/api/models"
_FIELDS = {"safetensors": "ModelParameters", "downloadsAllTime": "ModelDownloadsAllTime", "likes": "ModelLikes"}


@pytest.fixture
def hubs() -> Iterator[Hubs]:
    """Yield a hub of three pages."""
    with Hubs(models=2100, seed=7, troubles=False, large_files=False) as hubs:
        yield hubs


def limits(hubs: Hubs) -> list[int]:
    return [int(parse_qs(urlsplit(request.path).query)["limit"][0]) for request in hubs.asked(PAGE)]


def without(records: list[dict[str, Any]], fields: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name not in fields} for record in records]


def test_fields_that_the_hub_refuses_are_skipped(crawl: Start, hubs: Hubs, folder: Path) -> None:
    plain = crawl("huggingface", fraction=0)
    assert all(any(field in record for record in plain.records) for field in _FIELDS.values())
    hubs.huggingface.accepted = frozenset(HUGGINGFACE_EXPAND.split(",")) - set(_FIELDS)
    some = crawl("huggingface", fraction=0, DATA_DIR=folder / "some" / "data")
    assert some.status == 0
    assert some.records == without(plain.records, set(_FIELDS.values()))
    for name in _FIELDS:
        assert f"{name} is refused by the listing" in some.log


def test_a_hub_without_expand_is_asked_as_before(crawl: Start, hubs: Hubs) -> None:
    hubs.huggingface.accepted = frozenset()
    done = crawl("huggingface", fraction=0)
    assert (done.status, len(done.records)) == (0, 2100)
    asked = hubs.asked(PAGE)
    assert [request.status for request in asked] == [400, 200, 200, 200]
    assert all("full=true&cardData=true&config=true" in request.path for request in asked[1:])


def test_pages_that_are_too_much_for_the_hub_are_halved_and_grow_again(crawl: Start, hubs: Hubs) -> None:
    hubs.faults.add("limit=1000&", status=504, after=1, times=1)  # the second page
    hubs.faults.add("limit=500$", status=504, times=1)
    done = crawl("huggingface", fraction=0)
    assert (done.status, len(done.records)) == (0, 2100)
    assert limits(hubs) == [1000, 1000, 500, 250, 500, 1000]


def test_a_mirror_may_name_the_hub_itself(crawl: Start, hubs: Hubs) -> None:
    hubs.huggingface.endpoint = "https://huggingface.co"
    done = crawl("huggingface", fraction=0)
    assert (done.status, len(done.records)) == (0, 2100)


def test_a_first_page_that_is_refused_is_one_line(crawl: Start, hubs: Hubs) -> None:
    hubs.faults.add(PAGE, status=403, body=json.dumps({"error": "Your token is\x1b[2J no good"}))
    done = crawl("huggingface", fraction=0, environment={"HF_TOKEN": "hf_secret"})
    assert done.status == 1
    (error,) = done.errors
    assert "HTTP status 403" in error
    assert f"{hubs.url}/api/models" in error
    assert "HUGGINGFACE_TOKEN" in error
    assert "\x1b" not in done.log
    assert "hf_secret" not in done.log


class Endless(Sequence[Any]):
    """A listing of the same models on every page."""

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, index: Any) -> Any:
        return [{"id": f"o/m{number}", "sha": "1" * 40} for number in range(3)]


def test_a_listing_without_end_ends(crawl: Start, hubs: Hubs) -> None:
    hubs.huggingface.models = Endless()
    done = crawl("huggingface", fraction=0, DOWNLOAD_DELAY=0)
    assert done.status == 1
    assert len(done.errors) == 1
    assert len(hubs.asked(PAGE)) < 60


def test_private_models_are_kept_on_request(crawl: Start, hubs: Hubs, folder: Path) -> None:
    hubs.huggingface.models = [{"id": f"o/m{number}", "sha": "1" * 40, "private": number == 1} for number in range(2)]
    done = crawl("huggingface", fraction=0)
    assert [record["ModelName"] for record in done.records] == ["o/m0"]
    assert "1 private model skipped" in done.log
    done = crawl("huggingface", fraction=0, private="true", DATA_DIR=folder / "private")
    assert [record["ModelName"] for record in done.records] == ["o/m0", "o/m1"]


def test_the_first_error_of_the_disk_ends_the_listing(crawl: Start, hubs: Hubs, folder: Path) -> None:
    hubs.huggingface.models = [{"id": "o/m", "sha": "1" * 40}]
    before = crawl("huggingface", fraction=0)
    records = before.records
    hubs.huggingface.models = [{"id": f"o/m{number}", "sha": "1" * 40, "tags": ["x" * 400]} for number in range(12_000)]
    ended = subprocess.run(
        command(hubs, folder, "huggingface", fraction=0),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000)),
    )
    done = Crawl(ended.returncode, ended.stderr, before.folder)
    assert done.status == 1
    assert len(done.errors) == 1
    assert "previous data is kept" in done.errors[0]
    assert done.records == records
    assert len(crawl("huggingface", fraction=0).records) == 12_000


@pytest.mark.parametrize(("hub", "file"), [("huggingface_datasets", "hfd"), ("huggingface_spaces", "hfs")])
def test_datasets_and_spaces(crawl: Start, hubs: Hubs, folder: Path, hub: str, file: str) -> None:
    generated = hubs.huggingface.datasets if hub.endswith("datasets") else hubs.huggingface.spaces
    done = crawl(hub, top=2, KEEP_SNAPSHOTS=1)
    assert done.status == 0
    assert done.errors == []
    assert set(done.statuses.values()) == {"cloned"}
    listed = done.read(f"json/metadata/{file}_metadata.json")
    assert [each["id"] for each in listed] == [generated.name(index) for index in reversed(range(len(generated)))]
    assert not (done.folder / "json" / f"{hub}.json").exists()
    assert done.read("json/rejected.jsonl") == []
    assert "schema change" not in done.log
    name = max(range(len(generated)), key=lambda index: (generated.model(index).get("downloads", 0), index))
    if hub.endswith("datasets"):
        assert f"{generated.name(name)}" in {path.removeprefix("huggingface.co/") for path in done.statuses}
    generated.count -= 1  # the newest one is deleted
    second = crawl(hub, top=2, KEEP_SNAPSHOTS=1)
    assert set(second.statuses.values()) == {"current"}
    assert run("verify", folder, hub) == (0, "")
    status, said = run("diff", folder, hub)
    assert status == 0
    assert "0 added, 1 removed, 0 changed" in said


def run(name: str, folder: Path, hub: str) -> tuple[int, str]:
    """Return (exit status, output) of a command over the tree."""
    argv = [sys.executable, "-m", "scrapy", name, hub, "-s", f"DATA_DIR={folder / 'data'}"]
    ended = processes.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout
