"""All hubs in one tree."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, Start, command
from tests.hubs import Hubs

HUBS = ("huggingface", "modelhub", "modelzoo", "onnxmodelzoo", "pytorchhub")


@pytest.mark.slow
def test_all_hubs_at_once(crawl: Start, folder: Path, published: Any, no_browser: dict[str, str]) -> None:
    with ThreadPoolExecutor(len(HUBS)) as pool:
        crawls = list(pool.map(lambda hub: crawl(hub, no_browser), HUBS))
    for done in crawls:
        assert done.status == 0, done.log
        assert done.errors == []
        assert done.records
        for number, record in enumerate(done.records):
            assert published.is_valid(record)
            assert record["id"] == number
            metadata = folder / record["ModelHub"]["MetadataFilePath"]
            assert metadata.parent == done.folder / "json" / "metadata"
        assert f"{len(done.records)} in json/{done.folder.name}.json" in done.log
    assert sorted(os.listdir(folder / "data")) == sorted(HUBS)
    assert [path for path in (folder / "data").rglob("*") if "~" in path.name] == []


def test_the_second_crawl_of_a_hub_refuses(hubs: Hubs, folder: Path) -> None:
    hubs.faults.add("^/api/models", stall=True, times=1)
    first = processes.Popen(command(hubs, folder, "huggingface"), stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        hubs.wait_for("^/api/models")
        second = processes.run(
            command(hubs, folder, "huggingface"), stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    finally:
        first.kill()
        first.wait()
    assert second.returncode == 1
    assert f"in use by another crawl, process {first.pid} on " in second.stderr
    third = processes.run(
        command(hubs, folder, "huggingface", fraction=0), stderr=subprocess.DEVNULL, cwd=ROOT, check=False
    )
    assert third.returncode == 0
