"""Crawls that are stopped early, and resumed."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import processes
from tests.conftest import ROOT, Start, command, git
from tests.git.test_clone import assert_no_process_left
from tests.hubs import Hubs, Large, Repository

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"


@pytest.fixture
def models(hubs: Hubs) -> list[str]:
    """Serve three models with a large file each; the last download stalls once."""
    names = [f"o/m{number}" for number in range(3)]
    served = []
    for number, name in enumerate(names):
        weights = Large(b"%d" % number * 100_000)
        served.append(hubs.serve(name, Repository([{".gitattributes": ATTRIBUTES, "w.bin": weights}])))
    hubs.faults.add(f"^/_lfs/{weights.oid}", stall=True, times=1)
    hubs.huggingface.models = [
        {"id": name, "sha": repository.head} for name, repository in zip(names, served, strict=True)
    ]
    return names


def start(hubs: Hubs, folder: Path) -> subprocess.Popen[bytes]:
    """Return a crawl that clones one repository after the other, and has reached the stalled download."""
    crawl = processes.Popen(
        command(hubs, folder, "huggingface", fraction=1, CLONE_CONCURRENCY=1), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    hubs.wait_for(f"^/_lfs/{Large(b'2' * 100_000).oid}")
    return crawl


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_crawl_is_resumed(
    crawl: Start, hubs: Hubs, folder: Path, models: list[str], how: signal.Signals
) -> None:
    interrupted = start(hubs, folder)
    interrupted.send_signal(how)
    assert interrupted.wait(timeout=60) not in (0, None)
    assert_no_process_left(hubs)
    tree = folder / "data" / "huggingface"
    assert [(tree / "repos" / name).exists() for name in models] == [True, True, False]
    hubs.requests.clear()
    done = crawl("huggingface", fraction=1, CLONE_REFRESH="1d")
    assert done.status == 0
    assert done.statuses == {"o/m0": "current", "o/m1": "current", "o/m2": "cloned"}
    assert len(done.records) == 3
    assert hubs.asked("upload-pack") == []
    assert len(hubs.asked("^/_lfs/")) == 1
    assert [path for path in (folder / "data").rglob("*") if "~" in path.name] == []


@pytest.mark.parametrize(("hub", "repository"), [("onnxmodelzoo", "onnx/models"), ("pytorchhub", "pytorch/hub")])
def test_a_hub_that_is_a_repository_keeps_its_line(
    crawl: Start, hubs: Hubs, folder: Path, no_browser: dict[str, str], hub: str, repository: str
) -> None:
    killed = processes.Popen(command(hubs, folder, hub), cwd=ROOT, env=no_browser, stderr=subprocess.DEVNULL)
    clone = folder / "data" / hub / "repos" / repository
    while not clone.exists() and killed.poll() is None:
        os.sched_yield()
    killed.kill()
    killed.wait()
    for _ in range(2):  # the second one has nothing to resume
        done = crawl(hub, environment=no_browser)
        assert done.status == 0
        (line,) = (line for line in done.read("json/repositories.jsonl") if line["url"].endswith(f"/{repository}"))
        assert (line["status"], line["commit"]) == ("current", git(clone, "rev-parse", "HEAD").strip())
    known = {entry["started"] for entry in done.read("json/crawls.jsonl")}
    assert {line["crawl"] for line in done.read("json/repositories.jsonl")} <= known


def test_no_space(crawl: Start, hubs: Hubs) -> None:
    hubs.huggingface.models = [{"id": "o/m", "sha": "1" * 40}]
    done = crawl("huggingface", fraction=1, CLONE_MIN_FREE="1000TB")
    assert done.status == 1
    assert len(done.errors) == 1
    assert "less than CLONE_MIN_FREE" in done.errors[0]
    assert len(done.records) == 1
    assert hubs.asked("info/refs") == []


def test_no_space_leaves_the_records_of_what_was_cloned(crawl: Start, hubs: Hubs) -> None:
    before = crawl("modelhub").records
    done = crawl("modelhub", CLONE_MIN_FREE="1000TB")
    assert done.status == 1
    assert done.records == before


def test_one_bad_repository_does_not_stop_others(crawl: Start, hubs: Hubs) -> None:
    names = [f"o/m{number}" for number in range(4)]
    for name in names:
        hubs.serve(name, Repository([{"a": name.encode()}]))
    hubs.faults.add("^/o/m1.*git-upload-pack$", stall=True)
    hubs.faults.add("^/o/m2", status=500)
    hubs.huggingface.models = [{"id": name, "sha": "1" * 40} for name in names]
    done = crawl("huggingface", fraction=1, CLONE_TIMEOUT=1)
    assert done.status == 0
    statuses = {url.removeprefix(f"{hubs.url}/"): status for url, status in done.statuses.items()}
    assert statuses == {"o/m0": "cloned", "o/m1": "failed", "o/m2": "failed", "o/m3": "cloned"}
    lines = {line["url"].rpartition("/")[2]: line for line in done.read("json/repositories.jsonl")}
    ends = ("no progress for 1 seconds", "Operation too slow", "Empty reply")  # whichever of three notices it first
    assert any(end in lines["m1"]["error"] for end in ends)
    assert "500" in lines["m2"]["error"]
    assert lines["m1"]["attempts"] == 1
    again = crawl("huggingface", fraction=1, CLONE_TIMEOUT=1)
    assert {line["url"].rpartition("/")[2]: line["attempts"] for line in again.read("json/repositories.jsonl")} == {
        "m0": 1,
        "m1": 2,
        "m2": 2,
        "m3": 1,
    }
