"""Limits of downloads and disk space."""

import shlex
import subprocess
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.clone import clone
from tests import hubs as content
from tests.conftest import ROOT, RequestFor, Start, command, git
from tests.hubs import Hubs, Large
from tests.hubs.content import pointer

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"


@pytest.fixture
def models(hubs: Hubs) -> list[str]:
    """Return six models, most downloaded first, with a large file of 100 kB each, whose size the listing has."""
    names = [f"o/m{number}" for number in range(6)]
    listed = []
    for number, name in enumerate(names):
        weights = Large(b"%d" % number * 100_000)
        served = hubs.serve(name, content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": weights}]))
        listed.append({"id": name, "sha": served.head, "downloads": 100 - number, "usedStorage": 100_000})
    hubs.huggingface.models = listed
    return names


def downloads(hubs: Hubs) -> int:
    return len(hubs.asked("^/_lfs/"))


def test_bytes_of_a_crawl(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    first = crawl("huggingface", fraction=1, CLONE_MAX_BYTES="300kB", CLONE_CONCURRENCY=1)
    assert first.status == 1
    assert first.statuses == {"o/m0": "cloned", "o/m1": "cloned"}
    assert "CLONE_MAX_BYTES=300000 reached" in first.log
    assert "Hugging Face: max_bytes" in first.log
    assert len(first.records) == 6
    second = crawl("huggingface", fraction=1, CLONE_MAX_BYTES="300kB", CLONE_CONCURRENCY=1)
    assert second.status == 1
    assert second.statuses == dict(zip(models, ["current"] * 2 + ["cloned"] * 2, strict=False))
    third = crawl("huggingface", fraction=1, CLONE_MAX_BYTES="300kB")
    assert third.status == 0
    assert downloads(hubs) == 6


def test_clones_of_unknown_size(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    for model in hubs.huggingface.models or []:
        assert isinstance(model, dict)
        del model["usedStorage"]
    done = crawl("huggingface", fraction=1, CLONE_MAX_BYTES="250kB", CLONE_CONCURRENCY=1)
    assert done.status == 1
    assert downloads(hubs) == 2
    assert crawl("huggingface", fraction=1).status == 0
    assert downloads(hubs) == 6


def test_a_repository_that_is_too_large(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    weights = Large(b"x" * 500_000)
    hubs.repositories[models[2]].push({".gitattributes": ATTRIBUTES, "w.bin": weights})
    assert isinstance(hubs.huggingface.models, list)
    hubs.huggingface.models[2] = {"id": models[2], "sha": hubs.repositories[models[2]].head}
    done = crawl("huggingface", fraction=1, CLONE_MAX_REPOSITORY="400kB")
    assert done.status == 0
    assert done.statuses == {name: "large" if name == models[2] else "cloned" for name in models}
    clone = done.folder / "repos" / models[2]
    assert (clone / "w.bin").read_bytes() == weights.as_pointer()
    assert git(clone, "status", "--porcelain") == ""
    hubs.requests.clear()
    again = crawl("huggingface", CLONE_REFRESH="1d", fraction=1, CLONE_MAX_REPOSITORY="400kB")
    assert again.statuses[models[2]] == "large"
    assert hubs.asked(models[2]) == []
    assert crawl("huggingface", fraction=1).statuses[models[2]] == "updated"
    assert (clone / "w.bin").read_bytes() == weights.body


def test_a_history_that_is_too_large(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([{"a.txt": b"a" * 3_000_000}]))
    outcome = clone(request_for(max_bytes=1_000_000))
    assert (outcome.status, outcome.path) == ("large", None)
    assert "more than 1000000 bytes without its large files" in str(outcome.error)
    assert list((folder / "repos" / "o").iterdir()) == []


def test_a_pack_that_expands_a_thousandfold(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    files: content.Files = dict.fromkeys((f"{number}.bin" for number in range(40)), bytes(30 << 20))
    hubs.serve("o/m", content.Repository([files]))
    outcome = clone(request_for())
    assert (outcome.status, outcome.path) == ("refused", None)
    assert "expand to" in str(outcome.error)
    assert list((folder / "repos" / "o").iterdir()) == []


def test_a_disk_that_is_full(hubs: Hubs, folder: Path, models: list[str]) -> None:
    """A crawl on a file system of 10 MB continues once that has 60 MB; only the test sees the mount."""
    for number in range(6):
        weights = Large(bytes([number]) * 4_000_000)
        served = hubs.repositories[models[number]]
        served.push({".gitattributes": ATTRIBUTES, "w.bin": weights})
        assert isinstance(hubs.huggingface.models, list)
        hubs.huggingface.models[number] = {"id": models[number], "sha": served.head}
    (folder / "small").mkdir()
    crawl = words(hubs, folder / "small", CLONE_MIN_FREE="0", CLONE_CONCURRENCY=2)
    done = as_root_of_a_namespace(f"""
        mount -t tmpfs -o size=10m none {folder}/small || exit 99
        {crawl}; echo first $?
        mount -o remount,size=60m {folder}/small
        {crawl}; echo second $?; cp -a {folder}/small/data {folder}/data
    """)
    assert "first 1\n" in done.stdout, done.stderr
    assert "second 0\n" in done.stdout, done.stderr
    assert "free some space and crawl again" in done.stderr
    assert "Traceback" not in done.stderr
    tree = folder / "data" / "huggingface"
    assert all((tree / "repos" / name / "w.bin").stat().st_size == 4_000_000 for name in models)
    assert [path for path in tree.rglob("*") if "~" in path.name] == []
    assert sum(request.sent for request in hubs.asked("^/_lfs/")) <= 1.1 * 24_000_000


def words(hubs: Hubs, folder: Path, **settings: object) -> str:
    """Return the shell command of a crawl of all models."""
    return shlex.join(command(hubs, folder, "huggingface", fraction=1, **settings))


def as_root_of_a_namespace(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in a mount namespace of its own."""
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_without_hard_links_large_files_are_copied(hubs: Hubs, folder: Path, models: list[str]) -> None:
    done = as_root_of_a_namespace(f"""
        mkdir -p {folder}/data/huggingface/lfs
        mount -t tmpfs -o size=60m none {folder}/data/huggingface/lfs || exit 99
        {words(hubs, folder)}
    """)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the file system has no hard links here; large files are copied") == 1
    for number, name in enumerate(models):
        placed = folder / "data" / "huggingface" / "repos" / name / "w.bin"
        assert placed.read_bytes() == b"%d" % number * 100_000
        assert placed.stat().st_nlink == 1


def test_parallel_clones_of_unknown_size(crawl: Start, hubs: Hubs, models: list[str]) -> None:
    for model in hubs.huggingface.models or []:
        assert isinstance(model, dict)
        del model["usedStorage"]
    done = crawl("huggingface", fraction=1, CLONE_MAX_BYTES="250kB", CLONE_CONCURRENCY=6)
    assert done.status == 1
    assert "Hugging Face: max_bytes" in done.log
    assert downloads(hubs) == 2


@pytest.mark.parametrize("is_told", [True, False])
def test_a_repository_over_the_limit_does_not_stop_others(
    crawl: Start, hubs: Hubs, models: list[str], is_told: bool
) -> None:
    assert isinstance(hubs.huggingface.models, list)
    lie = Large(b"lie", pointer=pointer("1" * 64, 10**15))
    served = hubs.serve("o/liar", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": lie}]))
    told = {"usedStorage": 10**15} if is_told else {}
    hubs.huggingface.models.insert(0, {"id": "o/liar", "sha": served.head, "downloads": 1000, **told})
    done = crawl("huggingface", fraction=1, CLONE_MAX_BYTES="1TB")
    assert done.status == 0
    assert done.statuses == {f"{hubs.url}/o/liar": "failed", **dict.fromkeys(models, "cloned")}
    assert "more than CLONE_MAX_BYTES=1000000000000" in done.log


def test_an_update_that_is_too_large(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a.txt": b"a"}]))
    before = clone(request_for(max_bytes=1_000_000))
    served.push({"a.txt": b"a" * 3_000_000})
    after = clone(request_for(max_bytes=1_000_000))
    assert (before.status, after.status, after.commit) == ("cloned", "large", before.commit)
    assert (folder / "repos" / "o" / "m" / "a.txt").read_bytes() == b"a"


def test_the_repository_of_a_hub_respects_the_limit(crawl: Start, hubs: Hubs) -> None:
    done = crawl("onnxmodelzoo", lfs="all", CLONE_MAX_BYTES="1kB")
    assert done.status == 1
    assert downloads(hubs) == 0


def test_a_hub_repository_is_not_cloned_without_space(crawl: Start, hubs: Hubs) -> None:
    done = crawl("onnxmodelzoo", CLONE_MIN_FREE="1000TB")
    assert done.status == 1
    assert "has less than CLONE_MIN_FREE=1000000000000000 bytes free" in done.log
    assert hubs.asked("info/refs") == []
