"""`scrapy clone` clones from the records on disk, without a request to the hub's listing."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, Crawl, Start, command
from tests.hubs import Hubs, Repository

Clone = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clone(hubs: Hubs, folder: Path) -> Clone:
    """Run `scrapy clone` on the tree in the folder."""

    def run(hub: str, standard_input: str = "", **settings: Any) -> "subprocess.CompletedProcess[str]":
        program = ["clone" if word == "crawl" else word for word in command(hubs, folder, hub, **settings)]
        return processes.run(
            program, cwd=ROOT, input=standard_input, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.fixture
def listed(crawl: Start, hubs: Hubs) -> Crawl:
    """Return a tree with the records of six models without clones; the server does not have the last one."""
    repositories = {f"o/m{number}": Repository([{"a": b"%d" % number}]) for number in range(6)}
    hubs.huggingface.models = [
        {"id": name, "sha": hubs.serve(name, repository).head, "downloads": number}
        for number, (name, repository) in enumerate(repositories.items())
    ]
    del hubs.repositories["o/m5"]
    done = crawl("huggingface", fraction=0)
    assert done.status == 0
    return done


def test_models_are_cloned_from_records_without_the_hub(listed: Crawl, clone: Clone, hubs: Hubs) -> None:
    before = {path: path.read_bytes() for path in (listed.folder / "json" / "metadata").iterdir()}
    hubs.requests.clear()
    ended = clone("huggingface", "# of a paper\no/m1\n", ids="-")
    assert ended.returncode == 0, ended.stderr
    assert listed.statuses == {"o/m1": "cloned"}
    assert not [path for path in map(str, hubs.requests) if "/api/models" in path]

    assert clone("huggingface", top=2).returncode == 0  # o/m5 is missing: the next one takes its place
    assert {path for path, status in listed.statuses.items() if status == "cloned"} == {"o/m1", "o/m3", "o/m4"}
    paths = {record["ModelName"]: record.get("ModelRepositoryPath") for record in listed.records}
    assert paths == {f"o/m{n}": f"repos/o/m{n}" if n in (1, 3, 4) else None for n in range(6)}
    assert {path: path.read_bytes() for path in before} == before
    assert [line["reason"] for line in listed.read("json/crawls.jsonl")] == ["finished"] * 3


def test_missing_repositories_are_tried_again(listed: Crawl, clone: Clone, hubs: Hubs) -> None:
    assert clone("huggingface", fraction=1).returncode == 0
    missing = [line["url"] for line in listed.read("json/repositories.jsonl") if line["status"] == "missing"]
    assert [url.rpartition("/")[2] for url in missing] == ["m5"]
    hubs.serve("o/m5", Repository([{"a": b"5"}]))
    hubs.requests.clear()
    ended = clone("huggingface", retry="missing")
    assert ended.returncode == 0, ended.stderr
    assert (listed.folder / "repos" / "o" / "m5" / "a").read_bytes() == b"5"
    assert not [path for path in map(str, hubs.requests) if "/o/m4" in path]


@pytest.mark.parametrize(
    ("hub", "arguments", "expected"),
    [
        ("hugface", {}, "did you mean huggingface?"),
        ("modelhub", {}, "no records of modelhub; run: scrapy crawl modelhub -a fraction=0"),
        ("huggingface", {"retry": "never"}, "retry=never: not accepted; retry is one of failed, missing, partial, all"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, clone: Clone, hub: str, arguments: dict[str, str], expected: str) -> None:
    records = folder / "data" / "huggingface" / "json" / "huggingface.json"
    records.parent.mkdir(parents=True)
    records.write_text(json.dumps([]))
    ended = clone(hub, **arguments)
    assert (ended.returncode, expected in ended.stderr.splitlines()[-1]) == (2, True), ended.stderr
