"""A second crawl sends as few requests as possible."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import hubs as content
from tests.conftest import Start, git
from tests.hubs import Hubs, Large
from tests.hubs.server import Served

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
WEIGHTS = Large(b"weights " * 50_000)
FILES: dict[str, Any] = {".gitattributes": ATTRIBUTES, "README.md": b"# A model\n", "w.bin": WEIGHTS}


@pytest.fixture
def no_git(folder: Path) -> dict[str, str]:
    """Return an environment in which git and git-lfs print only their version; other starts write a file and fail."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("git", "git-lfs"):
        answer = f'case "$*" in version|--version) exec {shutil.which(name)} --version;; esac'
        (programs / name).write_text(f"#!/bin/sh\n{answer}\ntouch {folder}/started\nexit 1\n")
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:{os.environ['PATH']}"}


def test_unchanged_repositories_start_no_git(crawl: Start, hubs: Hubs, folder: Path, no_git: dict[str, str]) -> None:
    template = hubs.serve("o/m0", content.Repository([FILES]))
    names = [f"o/m{number}" for number in range(10)]
    hubs.repositories.update(dict.fromkeys(names, template))
    hubs.huggingface.models = [{"id": name, "sha": template.head} for name in names]
    first = crawl("huggingface", fraction=1)
    assert first.statuses == dict.fromkeys(names, "cloned")
    hubs.requests.clear()
    second = crawl("huggingface", environment=no_git, fraction=1, CLONE_REFRESH="1d")
    assert second.status == 0
    assert second.statuses == dict.fromkeys(names, "current")
    assert not (folder / "started").exists()
    assert {request.path.partition("?")[0] for request in hubs.requests} == {"/api/models"}


def test_a_commit_check_counts_for_a_while(crawl: Start, hubs: Hubs, folder: Path, no_git: dict[str, str]) -> None:
    first = crawl("modelhub", CLONE_REFRESH="1d", fraction=0.5)
    cloned = {path for path, status in first.statuses.items() if status == "cloned"}
    assert cloned
    second = crawl("modelhub", environment=no_git, CLONE_REFRESH="1d", fraction=0.5)
    assert {path for path, status in second.statuses.items() if status == "current"} == cloned
    assert second.records == first.records
    hubs.requests.clear()
    third = crawl("modelhub", CLONE_REFRESH="0", fraction=0.5)
    assert third.records == first.records
    assert all(len(hubs.asked(f"/{path}/info/refs")) == 1 for path in cloned)


def renamed(hubs: Hubs, served: Served, name: str, **listed: Any) -> None:
    """Rename a repository, in the listing too."""
    served.rename(name)
    hubs.huggingface.models = [{"id": name, "sha": served.head, **listed}]


@pytest.mark.parametrize("hub_id", ["0123456789abcdef01234567", None])
@pytest.mark.parametrize("moves", [True, False])
def test_a_renamed_repository_is_not_downloaded_twice(
    crawl: Start, hubs: Hubs, hub_id: str | None, moves: bool
) -> None:
    served = hubs.serve("o/former", content.Repository([FILES]))
    hubs.huggingface.models = [{"id": "o/former", "sha": served.head, "_id": hub_id}]
    assert crawl("huggingface", fraction=1).statuses == {"o/former": "cloned"}
    if moves:
        served.push({**FILES, "more.txt": b"1"})
    renamed(hubs, served, "p/latter", _id=hub_id)
    hubs.requests.clear()
    done = crawl("huggingface", fraction=1)
    assert done.statuses == {"p/latter": "updated" if moves else "current"}
    assert hubs.asked("^/_lfs/") == []
    clone = done.folder / "repos" / "p" / "latter"
    assert git(clone, "rev-parse", "HEAD").strip() == served.head
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "remote", "get-url", "origin").strip() == f"{hubs.url}/p/latter"
    assert not (done.folder / "repos" / "o" / "former").exists()
    assert (clone / "w.bin").read_bytes() == WEIGHTS.body


def test_another_repository_of_the_same_name_is_no_rename(crawl: Start, hubs: Hubs) -> None:
    served = hubs.serve("o/gone", content.Repository([FILES]))
    hubs.huggingface.models = [{"id": "o/gone", "sha": served.head, "_id": "0" * 24}]
    crawl("huggingface", fraction=1)
    served.remove()
    other = hubs.serve("o/other", content.Repository([FILES]))
    hubs.huggingface.models = [{"id": "o/other", "sha": other.head, "_id": "1" * 24}]
    done = crawl("huggingface", fraction=1)
    assert done.statuses == {"o/gone": "cloned", "o/other": "cloned"}
    assert (done.folder / "repos" / "o" / "gone" / "README.md").exists()


def test_large_files_of_a_mirror(crawl: Start, hubs: Hubs) -> None:
    moved = Large(b"moved " * 50_000)
    served = hubs.serve("o/m", content.Repository([{**FILES, "moved.bin": moved}]))
    hubs.serve("mirror/m", content.Repository([{"a": b"1"}]))
    hubs.faults.add("^/o/m.git/info/lfs", status=404)
    hubs.huggingface.models = [{"id": "o/m", "sha": served.head}]
    without = crawl("huggingface", fraction=1)
    assert without.statuses == {"o/m": "partial"}
    mirrors = f'{{"{hubs.url}/o/m": "{hubs.url}/mirror/m"}}'
    done = crawl("huggingface", fraction=1, CLONE_LFS_MIRRORS=mirrors)
    assert done.statuses == {"o/m": "updated"}
    assert (done.folder / "repos" / "o" / "m" / "moved.bin").read_bytes() == moved.body
    hubs.requests.clear()
    assert crawl("huggingface", fraction=1).statuses == {"o/m": "current"}
    assert hubs.asked("lfs") == []


def test_commit_checks_expire(crawl: Start, hubs: Hubs) -> None:
    """Using a cached commit does not make it newer."""
    served = hubs.serve("o/m", content.Repository([FILES]))
    hubs.huggingface.models = [{"id": "o/m", "_id": "0123456789abcdef01234567"}]
    first = crawl("huggingface", fraction=1, CLONE_REFRESH="1d")
    [before] = first.read("json/commit_checks.jsonl")
    [after] = crawl("huggingface", fraction=1, CLONE_REFRESH="1d").read("json/commit_checks.jsonl")
    assert before["commit"] == served.head
    assert after == before


def test_missing_repositories_are_not_asked_for_each_time(crawl: Start, hubs: Hubs, no_git: dict[str, str]) -> None:
    hubs.serve("o/empty", content.Repository())
    hubs.huggingface.models = [{"id": "o/gone"}, {"id": "o/empty"}]
    first = crawl("huggingface", fraction=1, CLONE_REFRESH="1d")
    statuses = {f"{hubs.url}/o/gone": "missing", f"{hubs.url}/o/empty": "empty"}
    assert first.statuses == statuses
    second = crawl("huggingface", environment=no_git, fraction=1, CLONE_REFRESH="1d")
    assert second.statuses == statuses
    assert [line["attempts"] for line in second.read("json/repositories.jsonl")] == [1, 1]
    hubs.serve("o/gone", content.Repository([FILES]))
    assert crawl("huggingface", fraction=1).statuses["o/gone"] == "cloned"
