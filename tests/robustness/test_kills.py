"""Crawls that are killed repeatedly end with the same tree as an uninterrupted one."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, command, git
from tests.git.test_clone import assert_no_process_left
from tests.hubs import Files, Hubs, Large, Repository

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
REPOSITORIES = 24
KILLS = 20
_OF_THE_MOMENT = {"attempts", "started", "seconds", "git_bytes", "status", "crawl"}


def serve(hubs: Hubs) -> None:
    """Serve models with a large file of 300 to 450 kB each; every tenth file equals its neighbour's."""
    listed = []
    for number in range(REPOSITORIES):
        size = 300_000 + number // 10 * 30_000
        weights = Large(random.Random(number - (number % 10 == 1)).randbytes(size))
        commits: list[Files] = [
            {"README.md": b"# %d\n" % number},
            {".gitattributes": ATTRIBUTES, "deep/w.bin": weights},
        ]
        listed.append({"id": f"o/m{number}", "sha": hubs.serve(f"o/m{number}", Repository(commits)).head})
    hubs.huggingface.models = listed


def start(hubs: Hubs, folder: Path) -> "subprocess.Popen[bytes]":
    given = {"fraction": 1, "CLONE_CONCURRENCY": 4, "CLONE_RETRIES": 5}
    return processes.Popen(command(hubs, folder, "huggingface", **given), cwd=ROOT, stderr=subprocess.DEVNULL)


def kill_at(requests: int, hubs: Hubs, folder: Path) -> None:
    """Start a crawl, and kill it after a number of requests."""
    crawl = start(hubs, folder)
    hubs.wait_for_requests(requests, lambda: crawl.poll() is not None)
    crawl.kill()
    crawl.wait()


def contents(tree: Path) -> dict[str, Any]:
    """Return the files of a tree by path, without times; of git its refs and objects."""
    found: dict[str, Any] = {}
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if path.name == ".git":
            found[name] = (
                git(path.parent, "for-each-ref"),
                git(path.parent, "cat-file", "--batch-all-objects", "--batch-check"),
            )
        elif "/.git/" not in f"/{name}" and path.is_file():
            is_time = name.startswith("lfs/checked/")  # when an object was checked
            found[name] = (path.stat().st_nlink, b"" if is_time else path.read_bytes())
    lines = [json.loads(line) for line in found.pop("json/repositories.jsonl")[1].splitlines()]
    assert {line["crawl"] for line in lines} <= {line["started"] for line in crawls(tree)}
    found["repositories"] = [
        json.dumps({key: value for key, value in line.items() if key not in _OF_THE_MOMENT}) for line in lines
    ]
    del found["json/commit_checks.jsonl"], found["json/crawls.jsonl"]
    return found


def crawls(tree: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tree / "json" / "crawls.jsonl").read_text().splitlines()]


def sent(hubs: Hubs) -> int:
    return sum(request.sent for request in hubs.asked("^/_lfs/|git-upload-pack"))


@pytest.mark.slow
def test_twenty_kills_at_random_moments(hubs: Hubs, folder: Path) -> None:
    serve(hubs)
    assert start(hubs, folder / "whole").wait(timeout=300) == 0
    bytes_of_one, requests_of_one = sent(hubs), hubs.arrived
    hubs.requests.clear()
    moments = sorted(random.Random(1).sample(range(requests_of_one), KILLS))
    for moment in moments:
        kill_at(requests_of_one + moment, hubs, folder / "cut")
        assert_no_process_left(hubs)
    assert start(hubs, folder / "cut").wait(timeout=300) == 0
    trees = [folder / name / "data" / "huggingface" for name in ("whole", "cut")]
    whole, cut = map(contents, trees)
    assert whole.keys() == cut.keys()
    assert {name for name in whole if whole[name] != cut[name]} == set()
    assert sent(hubs) <= 1.1 * bytes_of_one
