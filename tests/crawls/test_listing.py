"""Listings that are interrupted and resumed."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, Crawl, Start, command
from tests.hubs import Hubs

PAGE = "^/api/models\\?"


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files of a tree by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def start(hubs: Hubs, folder: Path) -> "subprocess.Popen[bytes]":
    return processes.Popen(command(hubs, folder, "huggingface", fraction=0), cwd=ROOT, stderr=subprocess.DEVNULL)


@pytest.fixture
def five_pages() -> Any:
    """Yield a hub of five pages."""
    with Hubs(models=500, seed=3, troubles=False, large_files=False) as hubs:
        hubs.huggingface.most = 100
        yield hubs


def cut(hubs: Hubs, folder: Path, page: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Crawl until a page is requested, which gets no answer."""
    hubs.faults.add(PAGE, stall=True, after=page - 1, times=1)
    crawl = start(hubs, folder)
    hubs.wait_for_requests(page)
    crawl.send_signal(how)
    crawl.wait(timeout=60)
    hubs.faults.clear()
    hubs.requests.clear()


def again(hubs: Hubs, folder: Path, **settings: Any) -> Crawl:
    given = {"fraction": 0, **settings}
    done = processes.run(
        command(hubs, folder, "huggingface", **given),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return Crawl(done.returncode, done.stderr, folder / "data" / "huggingface")


def ids(hubs: Hubs) -> list[str]:
    models = hubs.huggingface.generated
    return [models.model(index)["id"] for index in reversed(range(len(models)))]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_listing_resumes_from_the_last_page(five_pages: Hubs, folder: Path, how: signal.Signals) -> None:
    cut(five_pages, folder, 4, how)
    done = again(five_pages, folder)
    assert done.status == 0
    assert len(five_pages.asked(PAGE)) == 2
    assert [record["ModelName"] for record in done.records] == ids(five_pages)
    assert [model["id"] for model in done.read("json/metadata/hf_metadata.json")] == ids(five_pages)
    assert "resuming the listing started at" in done.log
    assert "models        500" in done.log
    assert [path for path in done.folder.rglob("*") if "~" in path.name] == []


@pytest.mark.parametrize("settings", [{"LISTING_MAX_AGE": 0}, {"fraction": 0.001}, {"author": "nobody"}])
def test_an_old_or_different_listing_starts_again(five_pages: Hubs, folder: Path, settings: dict[str, Any]) -> None:
    cut(five_pages, folder, 4)
    done = again(five_pages, folder, **settings)
    assert done.status == (2 if "author" in settings else 0)  # of nobody there is no model
    assert len(five_pages.asked(PAGE)) == 5
    assert len(done.records) == 500


def test_a_finished_crawl_is_not_resumed(five_pages: Hubs, folder: Path) -> None:
    again(five_pages, folder)
    again(five_pages, folder)
    assert len(five_pages.asked(PAGE)) == 10


def test_a_crawl_that_is_interrupted_while_cloning_needs_no_new_listing(five_pages: Hubs, folder: Path) -> None:
    five_pages.faults.add("git-upload-pack", stall=True)
    crawl = processes.Popen(
        command(five_pages, folder, "huggingface", fraction=0.002), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    five_pages.wait_for("git-upload-pack")
    crawl.kill()
    crawl.wait()
    five_pages.faults.clear()
    five_pages.requests.clear()
    done = again(five_pages, folder, fraction=0.002)
    assert done.status == 0
    assert list(done.statuses.values()) == ["cloned"]
    assert five_pages.asked(PAGE) == []
    assert len(done.records) == 500


def test_a_cursor_that_has_expired(five_pages: Hubs, folder: Path) -> None:
    cut(five_pages, folder, 4)
    five_pages.faults.add("cursor=", status=400, times=1)
    expired = again(five_pages, folder)
    assert expired.status == 1
    assert "could not be listed; previous data is kept" in expired.errors[0]
    assert len(expired.errors) == 1
    done = again(five_pages, folder)
    assert done.status == 0
    assert len(done.records) == 500


@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense"])
def test_a_damaged_listing_starts_again(five_pages: Hubs, folder: Path, damage: str) -> None:
    cut(five_pages, folder, 4)
    json_folder = folder / "data" / "huggingface" / "json"
    partial, work = json_folder / "metadata" / ".hf_metadata.json~new", json_folder / ".huggingface~crawl"
    if damage == "cut":
        partial.write_bytes(partial.read_bytes()[:1000])
    elif damage == "gone":
        partial.unlink()
    else:
        work.write_bytes(b"no database" * 1000)
    done = again(five_pages, folder)
    assert done.status == 0
    assert [record["ModelName"] for record in done.records] == ids(five_pages)


def test_the_files_of_the_last_complete_crawl_stay_until_then(five_pages: Hubs, folder: Path, crawl: Start) -> None:
    before = tree(again(five_pages, folder).folder)
    five_pages.requests.clear()
    five_pages.arrived = 0
    cut(five_pages, folder, 3)
    now = tree(folder / "data" / "huggingface")
    assert {name: now[name] for name in before if name != "json/crawls.jsonl"} == {
        name: before[name] for name in before if name != "json/crawls.jsonl"
    }
    assert json.loads(now["json/huggingface.json"])
