"""A month of crawls in a row, over a hub that changes between them."""

import json
import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, command
from tests.hubs import Files, Hubs, Large, Repository

DAYS = 30
_MEASURED = 2  # days at the beginning and at the end of the month
_ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"


@dataclass
class Hub:
    """Models that are added, removed, changed and renamed; the changes since yesterday."""

    hubs: Hubs
    draw: random.Random = field(default_factory=lambda: random.Random(30))
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    number: int = 0
    days: int = 0
    changes: dict[str, set[str]] = field(default_factory=dict)

    def add(self) -> None:
        self.number += 1
        name = f"o/m{self.number}"
        files: Files = {".gitattributes": _ATTRIBUTES, "w.bin": Large(b"%d" % (self.number // 2) * 20_000)}
        served = self.hubs.serve(name, Repository([files]))
        self.models[name] = {"id": name, "_id": f"{self.number:024x}", "sha": served.head, "pipeline_tag": "fill-mask"}
        self.changes["added"].add(name)

    def remove(self, name: str) -> None:
        self.hubs.repositories[name].remove()
        del self.models[name]
        self.changes["removed"].add(name)

    def move(self, name: str) -> None:
        weights = Large(b"%d" % self.draw.randrange(10**6) * 20_000)
        files: Files = {".gitattributes": _ATTRIBUTES, "w.bin": weights, "new.txt": os.urandom(8)}
        rewrites = self.draw.random() < 0.2
        self.models[name]["sha"] = self.hubs.repositories[name].push(files, parent=not rewrites)
        self.changes["changed"].add(name)

    def relabel(self, name: str) -> None:
        self.models[name]["pipeline_tag"] = f"task-{self.draw.randrange(10**6)}"
        self.changes["changed"].add(name)

    def rename(self, name: str) -> None:
        self.number += 1
        other = f"p/r{self.number}"
        self.hubs.repositories[name].rename(other)
        self.models[other] = {**self.models.pop(name), "id": other}
        self.changes["removed"].add(name)
        self.changes["added"].add(other)

    def pass_a_day(self) -> None:
        """Change models, each once: every second day in all possible ways, otherwise without adding or removing one."""
        self.changes = {"added": set(), "removed": set(), "changed": set()}
        if not self.models:
            for _ in range(6):
                self.add()
            return
        self.days += 1
        names = self.draw.sample(sorted(self.models), 5)
        for change, name in zip((self.move, self.move, self.relabel, self.rename), names, strict=False):
            change(name)
        if self.days % 2:
            self.remove(names[-1])
            self.add()


def peak_of(*words: str) -> int:
    """Run a crawl in a new interpreter; return its peak memory in bytes."""
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


def output(*words: str) -> str:
    """Return the output of a command that succeeds."""
    ended = processes.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return str(ended.stdout)


def scrapy(words: list[str], name: str, *more: str) -> list[str]:
    """Return another command with the settings of a crawl's."""
    at = words.index("crawl")
    return [*words[:at], name, "huggingface", *more, *words[at + 2 :]]


@pytest.mark.slow
def test_a_month(hubs: Hubs, folder: Path) -> None:
    hub = Hub(hubs)
    crawl = command(hubs, folder, "huggingface", KEEP_SNAPSHOTS=3)
    at = crawl.index("-s")
    crawl[at:at] = ["-a", "fraction=1"]
    settings = [word for word in crawl if word not in ("-a", "fraction=1")]
    peaks = []
    tree = folder / "data" / "huggingface"
    for day in range(DAYS):
        hub.pass_a_day()
        hubs.huggingface.models = list(hub.models.values())
        if _MEASURED <= day < DAYS - _MEASURED:
            output(*crawl)
        else:
            peaks.append(peak_of(*crawl))
        names = [record["ModelName"] for record in json.loads((tree / "json" / "huggingface.json").read_text())]
        assert names == list(hub.models)
        assert all((tree / "repos" / name / "w.bin").is_file() for name in names)
        verified = output(*scrapy(settings, "verify", "--json"))
        assert [line for line in verified.splitlines() if json.loads(line)["fault"]] == [], day
        if day:
            assert changes(output(*scrapy(settings, "diff", "--json")), hubs.url) == hub.changes, day
    lines = [json.loads(line) for line in (tree / "json" / "crawls.jsonl").read_text().splitlines()]
    assert [line["reason"] for line in lines] == ["finished"] * DAYS
    assert len(list((tree / "snapshots").iterdir())) == 3
    assert max(peaks[-_MEASURED:]) < 1.1 * max(peaks[:_MEASURED])
    assert [path for path in tree.rglob("*") if "~" in path.name] == []


def changes(diff: str, base: str) -> dict[str, set[str]]:
    """Return names of models by kind of change, from the lines of `scrapy diff --json`."""
    found: dict[str, set[str]] = {"added": set(), "removed": set(), "changed": set()}
    for line in map(json.loads, diff.splitlines()):
        if line["what"] in found:
            found[line["what"]].add(line["url"].removeprefix(f"{base}/"))
    return found
