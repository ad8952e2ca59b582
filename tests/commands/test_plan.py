"""`scrapy plan` estimates a crawl before it starts."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, Start, command
from tests.hubs import Hubs

Plan = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def plan(hubs: Hubs, folder: Path) -> Plan:
    """Return a function that runs `scrapy plan`."""

    def run(hub: str, *options: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
        words = command(hubs, folder, hub, **settings)
        words[words.index("crawl")] = "plan"
        return processes.run([*words, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    return run


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_share_of_a_hub(plan: Plan, crawl: Start, hubs: Hubs, folder: Path) -> None:
    planned = plan("huggingface", "--json", fraction=0.25)
    assert planned.returncode == 0
    estimate = json.loads(planned.stdout)
    assert (estimate["models"], estimate["selected"], estimate["repositories"], estimate["sampled"]) == (60, 15, 15, 15)
    assert estimate["fits"] == "yes"
    assert estimate["need"]["bytes"] > 0
    assert estimate["seconds"]["an assumed rate"] == round(estimate["need"]["bytes"] / 10_000_000)
    assert hubs.asked("info/refs") == []
    assert files(folder) == []
    crawl("huggingface", fraction=0.25)
    after = json.loads(plan("huggingface", "--json", fraction=0.25).stdout)
    assert (after["repositories"], after["current"], after["need"]["bytes"]) == (0, 15, 0)


def test_sizes_of_lists_of_files(plan: Plan, crawl: Start, hubs: Hubs, folder: Path) -> None:
    """The listing has no sizes of single files, but the file lists of sampled repositories are exact."""
    estimate = json.loads(plan("huggingface", "--json", top=20, lfs="200kB").stdout)
    assert (estimate["known"], estimate["sampled"], estimate["unreachable"]) == (0, 20, 0)
    done = crawl("huggingface", top=20, lfs="200kB")
    fetched = sum(line["lfs_bytes"] for line in done.read("json/repositories.jsonl"))
    assert fetched <= estimate["need"]["bytes"] <= fetched + 20 * 2000
    assert fetched > 0
    sampled = json.loads(
        plan("huggingface", "--json", "--sample", "5", top=20, lfs="200kB", DATA_DIR=folder / "x").stdout
    )
    assert sampled["sampled"] == 5
    assert sampled["need"]["low"] < sampled["need"]["bytes"] < sampled["need"]["high"]


def test_sizes_of_repositories_without_hub_sizes(plan: Plan, hubs: Hubs, folder: Path) -> None:
    planned = plan("modelhub", "--sample", "4", "--rate", "1MB")
    assert planned.returncode == 0
    assert f"{len(hubs.modelhub.models)} models" not in planned.stdout
    assert "from a sample of 4" in planned.stdout
    assert "at 1.0 MB/s, as given" in planned.stdout
    assert "it fits" in planned.stdout
    assert len(hubs.asked("info/refs")) == 4
    assert files(folder) == []


def test_a_disk_that_is_too_small(plan: Plan) -> None:
    planned = plan("huggingface", fraction=1, CLONE_MIN_FREE="1000TB")
    assert planned.returncode == 0
    assert "it does not fit" in planned.stdout


def test_what_cannot_be_planned(plan: Plan, hubs: Hubs) -> None:
    assert "unknown hub 'github'" in plan("github").stderr.splitlines()[-1]
    refused = plan("huggingface", "--rate", "fast")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--rate=fast: not accepted" in refused.stderr.splitlines()[-1]
    hubs.faults.add("^/api/models", status=404)
    failed = plan("huggingface")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "could not be listed" in failed.stderr


def test_a_clone_that_is_damaged_is_to_be_cloned(plan: Plan, crawl: Start, folder: Path) -> None:
    crawl("huggingface", fraction=0.1)
    next(folder.glob("data/huggingface/repos/*/*/.git/HEAD")).unlink()
    planned = plan("huggingface", "--json", fraction=0.1)
    assert (planned.returncode, planned.stderr) == (0, "")
    assert json.loads(planned.stdout)["moved"] == 1
