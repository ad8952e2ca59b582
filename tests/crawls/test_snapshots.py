"""Every crawl writes a line, and a snapshot if requested; `scrapy diff` shows the changes between two states."""

import fcntl
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.storage.compressed import reading
from tests import processes
from tests.conftest import ROOT, Crawl, Start, command
from tests.git.test_clone import assert_no_process_left
from tests.hubs import Hubs, Large, Repository

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
STALLED = Large(b"never sent " * 10_000)

Diff = Callable[..., "subprocess.CompletedProcess[str]"]


def model(name: str, sha: str = "1", **more: Any) -> dict[str, Any]:
    return {"id": name, "sha": sha * 40, "pipeline_tag": "fill-mask", "downloads": 5, "tags": ["license:mit"], **more}


FIRST = [model("o/gone"), model("o/same"), model("o/sha"), model("o/license"), model("o/task"), model("o/read")]
SECOND = [
    model("o/new"),
    model("o/same"),
    model("o/sha", "2"),
    model("o/license", tags=["license:apache-2.0"]),
    model("o/task", pipeline_tag="text-generation"),
    model("o/read", downloads=6, likes=1),
]
THIRD = [*SECOND, model("o/other", library_name="keras")]


@pytest.fixture
def diff(folder: Path) -> Diff:
    """Return a function that compares states of the tree in the folder."""

    def run(*words: str, hub: str = "huggingface", data: Path = folder / "data") -> "subprocess.CompletedProcess[str]":
        program = [sys.executable, "-m", "scrapy", "diff", "-s", f"DATA_DIR={data}", hub, *words]
        return processes.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    return run


def lines(ended: "subprocess.CompletedProcess[str]") -> list[str]:
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def objects(ended: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(ended)]


def refused(ended: "subprocess.CompletedProcess[str]") -> str:
    """Return the only output line of a command that could not start."""
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    return line.removeprefix("scrapy diff: ")


def crawls(done: Crawl) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done.read("json/crawls.jsonl")
    return found


def snapshots(done: Crawl) -> list[str]:
    return sorted(os.listdir(done.folder / "snapshots")) if (done.folder / "snapshots").exists() else []


def state(done: Crawl) -> dict[str, bytes]:
    """Return the files of a snapshot."""
    paths = [
        done.folder / f"json/{done.folder.name}.json",
        done.folder / "json/rejected.jsonl",
        *(done.folder / "json/metadata").glob("[!.]*.json"),
    ]
    return {path.relative_to(done.folder / "json").as_posix(): path.read_bytes() for path in paths}


def kept(done: Crawl, name: str) -> dict[str, bytes]:
    """Return the decompressed files of a snapshot."""
    folder = done.folder / "snapshots" / name
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "counts.json"]
    return {path.relative_to(folder).as_posix().removesuffix(".zst"): decompressed(path) for path in found}


def decompressed(path: Path) -> bytes:
    with reading(path) as file:
        return file.read()


@pytest.fixture
def three_crawls(crawl: Start, hubs: Hubs) -> Crawl:
    """Return the tree after three crawls of a hub that changed between them."""
    for listed in (FIRST, SECOND, THIRD):
        hubs.huggingface.models = listed
        done = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=5)
        assert done.status == 0
    return done


def test_changes_are_printed(three_crawls: Crawl, diff: Diff) -> None:
    first, second = snapshots(three_crawls)
    changed = [
        "- o/gone",
        "~ o/license  license mit -> apache-2.0, ModelLicenseSPDX, ModelTags",
        "+ o/new",
        "~ o/sha  commit 1111111 -> 2222222",
        "~ o/task  task fill-mask -> text-generation",
    ]
    fields = "commit 1, license 1, ModelLicenseSPDX 1, ModelTags 1, task 1"
    sums = f"1 added, 1 removed, 3 changed ({fields}); downloads or likes of 1"
    assert lines(diff(first, second)) == [*changed, f"huggingface, {first} to {second}: {sums}"]
    added = [*changed[:3], "+ o/other", *changed[3:]]
    assert lines(diff(first))[:-1] == lines(diff(first, "now"))[:-1] == added
    last = ["+ o/other", f"huggingface, {second} to now: 1 added, 0 removed, 0 changed; downloads or likes of 0"]
    assert lines(diff()) == lines(diff(second)) == last
    assert lines(diff("now", second))[0] == "- o/other"
    assert lines(diff("now", "now"))[0].startswith("huggingface, now to now: 0 added, 0 removed, 0 changed")
    read = "~ o/read  downloads 5 -> 6, likes none -> 1"
    assert lines(diff("--all", first, second))[:-1] == [*changed[:3], read, *changed[3:]]
    assert lines(diff("--changed", first, second))[:-1] == [changed[0], *changed[2:4]]


def test_changes_are_printed_as_json(three_crawls: Crawl, hubs: Hubs, diff: Diff) -> None:
    first, second = snapshots(three_crawls)
    *changed, summary = objects(diff("--json", first, second))
    assert {each["url"].removeprefix(f"{hubs.url}/"): each["what"] for each in changed} == {
        "o/gone": "removed",
        "o/license": "changed",
        "o/new": "added",
        "o/sha": "changed",
        "o/task": "changed",
    }
    assert {each["model"]: each["fields"] for each in changed if each["what"] == "changed"} == {
        "o/license": {"ModelLicense": ["mit", "apache-2.0"]},
        "o/sha": {"LatestGitCommitSHA": ["1" * 40, "2" * 40]},
        "o/task": {"ModelTask": ["fill-mask", "text-generation"]},
    }
    assert next(each["others"] for each in changed if each["model"] == "o/license") == ["ModelLicenseSPDX", "ModelTags"]
    assert summary == {
        "what": "summary",
        "from": first,
        "to": second,
        "added": 1,
        "removed": 1,
        "changed": 3,
        "counts": 1,
        "fields": {"LatestGitCommitSHA": 1, "ModelLicense": 1, "ModelLicenseSPDX": 1, "ModelTags": 1, "ModelTask": 1},
    }
    read = [each for each in objects(diff("--all", "--json", first, second)) if each.get("model") == "o/read"]
    assert [each["fields"] for each in read] == [{"ModelDownloads": [5, 6], "ModelLikes": [None, 1]}]


def test_times(three_crawls: Crawl, diff: Diff) -> None:
    first, second = snapshots(three_crawls)
    there = f"{three_crawls.folder}; there are {first}, {second}, now"
    assert refused(diff("1999")) == f"'1999' is not a state of {there}"
    assert refused(diff("../json")) == f"'../json' is not a state of {there}"
    assert refused(diff("2")) == f"'2' matches several states of {there}"
    (three_crawls.folder / "snapshots" / first).rename(three_crawls.folder / "snapshots" / "20011231T235959Z")
    assert lines(diff("2001", second))[-1].startswith(f"huggingface, 20011231T235959Z to {second}: 1 added")
    assert refused(diff("a", "b", "c")).startswith("give a hub and up to two times")


def test_the_list(three_crawls: Crawl, diff: Diff) -> None:
    first, second = snapshots(three_crawls)
    told = [("records", 6, 6, 7), ("rejected", 0, 0, 0)]
    assert objects(diff("--list", "--json")) == [
        {"what": "state", "time": time, **{name: counts[number] for name, *counts in told}}
        for number, time in enumerate((first, second, "now"))
    ]
    assert [line.split() for line in lines(diff("--list"))] == [
        [time, records, "records", "0", "rejected"] for time, records in ((first, "6"), (second, "6"), ("now", "7"))
    ]
    (three_crawls.folder / "snapshots" / first / "counts.json").write_text("[")
    assert lines(diff("--list"))[0].endswith("counts.json: cannot be read")


def test_without_snapshots(crawl: Start, diff: Diff, folder: Path) -> None:
    assert refused(diff()) == f"{folder}/data/huggingface does not exist; set another DATA_DIR, or crawl first"
    assert refused(diff(hub="hub")).startswith("unknown hub 'hub' (choose from huggingface, ")
    done = crawl("huggingface", fraction=0)
    assert refused(diff()) == f"{done.folder} has no snapshots; crawl again with KEEP_SNAPSHOTS above 0"
    assert [line.split()[:3] for line in lines(diff("--list"))] == [["now", "60", "records"]]


def test_two_of_four_snapshots_are_kept(crawl: Start, hubs: Hubs) -> None:
    states = []
    for number in range(4):
        hubs.huggingface.models = [*FIRST, {"id": f"o/{number}", "sha": "4" * 40}, {"id": "o/bad", "sha": f"{number}"}]
        done = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=2)
        states.append(state(done))
        os.utime(
            done.folder / "json" / "huggingface.json", (future := time.time() + 86400, future)
        )  # of a clock that was ahead
    assert [line["snapshot"] for line in crawls(done)[2:]] == snapshots(done)
    assert max(snapshots(done)) < time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + 3600))
    assert crawls(done)[0]["snapshot"] is None
    assert len({line["snapshot"] for line in crawls(done)}) == 4
    assert [kept(done, name) for name in snapshots(done)] == states[1:3]
    assert states[1].keys() == {"huggingface.json", "rejected.jsonl", "metadata/hf_metadata.json"}
    assert b"o/bad" in states[1]["rejected.jsonl"]


def test_keeping_no_snapshots_removes_none(three_crawls: Crawl, crawl: Start, hubs: Hubs) -> None:
    before = {name: kept(three_crawls, name) for name in snapshots(three_crawls)}
    hubs.huggingface.models = FIRST
    done = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=0)
    assert {name: kept(done, name) for name in snapshots(done)} == before
    assert crawls(done)[-1]["snapshot"] is None


def test_no_snapshot_is_made_if_nothing_changed(crawl: Start, hubs: Hubs) -> None:
    served = hubs.serve("o/asked", Repository([{"a": b"1"}]))
    hubs.huggingface.models = [*FIRST, {"id": "o/asked"}]  # its records are written before it is asked, and again
    crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    done = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    assert (snapshots(done), crawls(done)[-1]["snapshot"]) == ([], None)
    before = state(done)
    served.push({"a": b"2"})
    done = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    [name] = snapshots(done)
    assert (crawls(done)[-1]["snapshot"], kept(done, name)) == (name, before)
    assert [path for path in done.folder.rglob("*") if "~" in path.name] == []


def test_a_page_that_is_overwritten_early_is_kept(crawl: Start, hubs: Hubs) -> None:
    before = state(crawl("modelzoo", fraction=0, KEEP_SNAPSHOTS=1))
    hubs.modelzoo.pages["model-12"]["stars"] = 4711
    hubs.modelzoo.index.reverse()
    done = crawl("modelzoo", fraction=0, KEEP_SNAPSHOTS=1)
    [name] = snapshots(done)
    assert kept(done, name) == before
    assert state(done)["metadata/mz_metadata.json"] != before["metadata/mz_metadata.json"]


def test_a_snapshot_that_cannot_be_written_loses_nothing(crawl: Start, hubs: Hubs) -> None:
    hubs.huggingface.models = FIRST
    done = crawl("huggingface", fraction=0)
    before = state(done)
    (done.folder / "snapshots").write_text("")
    hubs.huggingface.models = SECOND
    failed = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    assert failed.status == 1
    [error] = failed.errors
    assert f"{done.folder}/snapshots" in error
    assert "previous data was kept" in error
    assert state(done) == before
    assert crawls(done)[-1]["reason"] == "failed"
    (done.folder / "snapshots").unlink()
    [name] = snapshots(crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1))
    assert kept(done, name) == before


@pytest.fixture
def large(crawl: Start, hubs: Hubs, folder: Path) -> Path:
    """Return a file of a tree that takes minutes to compress."""
    hubs.huggingface.models = FIRST
    path = crawl("huggingface", fraction=0).folder / "json" / "metadata" / "large.json"
    path.touch()
    os.truncate(path, 100 * 2**30)
    hubs.huggingface.models = SECOND
    return path


def until_it_is_kept(hubs: Hubs, folder: Path) -> "subprocess.Popen[str]":
    """Start a crawl, and return it once it writes a snapshot."""
    program = command(hubs, folder, "huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    crawl = processes.Popen(program, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not list((folder / "data/huggingface").glob("snapshots/.*~new/metadata/large.json.zst")):
        assert crawl.poll() is None, crawl.communicate()[1]
    return crawl


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_snapshot_is_complete_or_absent(
    crawl: Start, hubs: Hubs, folder: Path, large: Path, diff: Diff, how: signal.Signals
) -> None:
    before = [path.read_bytes() for path in (large.parents[1] / "huggingface.json", large.parent / "hf_metadata.json")]
    cut = until_it_is_kept(hubs, folder)
    cut.send_signal(how)
    log = cut.communicate(timeout=60)[1]
    assert cut.returncode != 0
    assert "Traceback" not in log
    assert refused(diff()).endswith("has no snapshots; crawl again with KEEP_SNAPSHOTS above 0")
    os.truncate(large, 3)
    done = crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    [name] = snapshots(done)
    found = kept(done, name)
    assert [found["huggingface.json"], found["metadata/hf_metadata.json"]] == before
    assert len(lines(diff())) == 6
    assert [path for path in done.folder.rglob("*") if "~" in path.name] == []


def test_the_line_of_a_crawl_that_finished(crawl: Start, hubs: Hubs) -> None:
    hubs.serve("o/one", Repository([{"a": b"1"}]))
    hubs.huggingface.models = [model("o/one"), {"id": "o/bad", "sha": "x"}]
    environment = {"PTMTORRENT_CLONE_CONCURRENCY": "3"}
    done = crawl("huggingface", environment, fraction=1, lfs="none", CLONE_TIMEOUT=60)
    [line] = crawls(done)
    assert line.keys() == {
        *("started", "ended", "version", "program_commit", "hub", "arguments", "settings"),
        *("counts", "reason", "problem", "snapshot"),
    }
    assert line["started"] < line["ended"]
    assert line["ended"].endswith("+00:00")
    assert (line["hub"], line["version"], line["reason"]) == ("huggingface", __version__, "finished")
    assert (line["problem"], line["snapshot"]) == (None, None)
    assert line["arguments"] == {"fraction": "1", "lfs": "none"}
    assert line["settings"]["HUGGINGFACE_URL"] == hubs.url
    assert (line["settings"]["CLONE_TIMEOUT"], line["settings"]["CLONE_CONCURRENCY"]) == ("60", "3")
    assert line["settings"]["DATA_DIR"] == str(done.folder.parent)
    assert line["settings"].keys().isdisjoint({"CLONE_LFS", "MODELHUB_URL", "RETRY_TIMES"})
    assert line["counts"].pop("git_bytes") == line["counts"].pop("disk_bytes") > 0
    assert line["counts"] == {
        "models": 2,
        "records": 1,
        "rejected": {"no commit": 1},
        "selected": 2,
        "repositories": {"cloned": 1, "missing": 1},
        "lfs_bytes": 0,
        "downloaded_bytes": line["counts"]["downloaded_bytes"],
        "shared_bytes": 0,
    }


def test_the_lines_of_crawls_that_failed(crawl: Start, hubs: Hubs) -> None:
    hubs.faults.add("^/api/models", status=503)
    failed = crawl("huggingface", fraction=0)
    hubs.faults.clear()
    done = crawl("huggingface", fraction=1, CLONE_MIN_FREE="1000TB")
    assert failed.status == done.status == 1
    assert [line["reason"] for line in crawls(done)] == ["listing_failed", "no_space"]
    assert [line["counts"]["records"] for line in crawls(done)] == [None, 60]
    assert crawls(done)[0]["problem"].startswith(f"{hubs.url}/api/models?***: ")
    assert "CLONE_MIN_FREE" in crawls(done)[1]["problem"]


@pytest.mark.parametrize(
    ("how", "reason"), [(signal.SIGINT, "shutdown"), (signal.SIGTERM, "shutdown"), (signal.SIGKILL, "killed")]
)
def test_the_line_of_a_crawl_that_was_cut(
    crawl: Start, hubs: Hubs, folder: Path, diff: Diff, how: signal.Signals, reason: str
) -> None:
    hubs.huggingface.models = FIRST
    first = state(crawl("huggingface", fraction=0))
    served = hubs.serve("o/large", Repository([{".gitattributes": ATTRIBUTES, "w.bin": STALLED}]))
    hubs.faults.add(f"^/_lfs/{STALLED.oid}", stall=True, times=1)
    hubs.huggingface.models = [*FIRST, {**model("o/large"), "sha": served.head}]
    program = command(hubs, folder, "huggingface", fraction=1, KEEP_SNAPSHOTS=1)
    cut = processes.Popen(program, cwd=ROOT, stderr=subprocess.DEVNULL)
    hubs.wait_for(f"^/_lfs/{STALLED.oid}")
    cut.send_signal(how)
    assert cut.wait(timeout=60) not in (0, None)
    assert_no_process_left(hubs)
    done = crawl("huggingface", fraction=1, KEEP_SNAPSHOTS=1)
    assert done.status == 0
    [name] = snapshots(done)
    assert kept(done, name) == first
    assert [line["reason"] for line in crawls(done)] == ["finished", reason, "finished"]
    assert [line["snapshot"] for line in crawls(done)] == [None, name, None]
    assert crawls(done)[1]["arguments"] == {"fraction": "1"}
    assert (crawls(done)[1]["ended"] is None) == (crawls(done)[1]["counts"] is None) == (how == signal.SIGKILL)
    assert lines(diff())[:-1] == ["+ o/large"]
    assert [path for path in done.folder.rglob("*") if "~" in path.name] == []


@pytest.mark.parametrize("half", ['{"started": "2026', "\0\0\0"])
def test_an_incomplete_line_costs_no_other(crawl: Start, folder: Path, half: str) -> None:
    path = folder / "data/huggingface/json/crawls.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"reason": "finished"}\n' + half)
    done = crawl("huggingface", fraction=0)
    assert [line["reason"] for line in crawls(done)] == ["finished", "finished"]
    path.write_text(path.read_text().rstrip("\n"))
    assert [line["reason"] for line in crawls(crawl("huggingface", fraction=0))] == ["finished"] * 3


def test_an_existing_line_is_not_written_again(crawl: Start, folder: Path) -> None:
    done = crawl("huggingface", fraction=0)
    begun = done.folder / "json/.huggingface~begun"
    begun.write_text(json.dumps({**crawls(done)[0], "reason": "killed"}))
    assert [line["reason"] for line in crawls(crawl("huggingface", fraction=0))] == ["finished", "finished"]
    begun.write_text('{"started": 1}')
    done = crawl("huggingface", fraction=0)
    assert [line["reason"] for line in crawls(done)] == ["finished"] * 3
    assert ".huggingface~begun cannot be read" in done.log


def test_a_crawl_that_never_locked_the_tree_writes_nothing(crawl: Start, folder: Path) -> None:
    tree = folder / "data" / "huggingface"
    tree.mkdir(parents=True)
    with (tree / ".huggingface~lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert crawl("huggingface", KEEP_SNAPSHOTS=1).status == 1
    assert [path.name for path in tree.rglob("*")] == [".huggingface~lock"]


def test_no_secret_is_written(crawl: Start, hubs: Hubs) -> None:
    hubs.token = "hf_verysecret"
    hubs.faults.add("^/api/models", status=404)
    done = crawl(
        "huggingface",
        environment={"HF_TOKEN": "hf_verysecret"},
        CLONE_GIT_CONFIG=json.dumps({"http.proxy": "http://me:verysecret@127.0.0.1:1"}),
        KEEP_SNAPSHOTS=1,
    )
    assert done.status == 1
    [line] = crawls(done)
    assert line["settings"]["CLONE_GIT_CONFIG"] == "***"
    assert "verysecret" not in json.dumps(line)
    assert [path for path in done.folder.rglob("*") if path.is_file() and b"verysecret" in path.read_bytes()] == []


@pytest.mark.parametrize("mirror", ["https://me:verysecret@b.example/m", "https://b.example/m?token=verysecret"])
def test_a_secret_that_is_refused_is_not_logged(crawl: Start, mirror: str) -> None:
    done = crawl("huggingface", CLONE_LFS_MIRRORS=json.dumps({"https://a.example/m": mirror}))
    assert done.status == 2
    assert "CLONE_LFS_MIRRORS" in done.log
    assert "verysecret" not in done.log


@pytest.mark.parametrize("value", ["-1", "1.5", "two", ""])
def test_an_invalid_number_of_snapshots(crawl: Start, hubs: Hubs, value: str) -> None:
    done = crawl("huggingface", KEEP_SNAPSHOTS=value)
    assert done.status == 2
    said = (
        f"scrapy crawl huggingface: KEEP_SNAPSHOTS={value}: not accepted; KEEP_SNAPSHOTS is a whole number, 0 or above"
    )
    assert said in done.log.splitlines()
    assert not hubs.requests
    assert not (done.folder / "json").exists()


def test_what_a_hub_says_is_harmless_on_a_terminal(crawl: Start, hubs: Hubs, diff: Diff) -> None:
    hubs.huggingface.models = FIRST
    crawl("huggingface", fraction=0)
    hubs.huggingface.models = [*FIRST[:-1], model("o/read", pipeline_tag="fill\u202eksam\x1b[2J\n+ o/never")]
    crawl("huggingface", fraction=0, KEEP_SNAPSHOTS=1)
    assert lines(diff())[0] == r"~ o/read  task fill-mask -> fill\u202eksam\x1b[2J\n+ o/never"
    assert all(line.isascii() and line.isprintable() for line in lines(diff("--json")))


def record(number: int, name: str, url: str = "https://hub.example/o/r", **more: Any) -> dict[str, Any]:
    hub = {"ModelHubName": "Hub", "MetadataFilePath": f"data/{number}", "MetadataObjectID": number}
    return {"id": number, "ModelHub": hub, "ModelName": name, "ModelOwner": "o", "ModelURL": url, **more}


def write(folder: Path, former: bytes | list[Any], new: list[Any]) -> None:
    """Return a tree with a snapshot of records, or of other content in their place."""
    place = folder / "data/huggingface/snapshots/20261123T091530Z/huggingface.json.gz"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(former if isinstance(former, bytes) else gzip.compress(array(former)))
    now = folder / "data/huggingface/json/huggingface.json"
    now.parent.mkdir(exist_ok=True)
    now.write_bytes(array(new))


def array(records: list[Any]) -> bytes:
    return b"[" + b",".join(b"\n" + json.dumps(each).encode() for each in records) + b"\n]\n"


def test_models_that_share_a_repository(folder: Path, diff: Diff) -> None:
    former = [record(0, "a", ModelTask="x"), record(1, "b"), record(2, "b"), record(3, "c")]
    write(
        folder, former, [record(0, "new"), record(1, "b"), record(2, "a", ModelTask="y"), record(3, "b", ModelTask="z")]
    )
    assert lines(diff())[:-1] == ["~ o/a  task x -> y", "~ o/b  task none -> z", "~ o/new  ModelName"]
    write(
        folder, former, [record(0, "b"), record(1, "b"), record(2, "a", ModelTask="x"), record(3, "d"), record(4, "e")]
    )
    assert lines(diff())[:-1] == ["- o/c", "+ o/d", "+ o/e"]


def endless() -> bytes:
    """Return a file with a line that is longer than any record."""
    return gzip.compress(b"[\n" + b"\x80" * 100_000_000, 1)


def deep(depth: int) -> Any:
    return [deep(depth - 1)] if depth else []


@pytest.mark.parametrize(
    ("former", "why"),
    [
        (b"", "does not begin like a file of records"),
        (b"no gzip", "is damaged"),
        (gzip.compress(array([record(0, "a")]))[:-20], "is damaged"),
        (gzip.compress(array([record(0, "a")]))[:30] + b"\xff" * 50, "is damaged"),
        (gzip.compress(b'{"id": 1}\n'), "does not begin like a file of records"),
        (gzip.compress(b"[\n{},\n]\n"), "line 2 is not a record"),
        (gzip.compress(array([record(0, "a"), {**record(1, "b"), "ModelURL": 1}])), "line 3 is not a record"),
        (endless, "line 2 is not a record"),
        (gzip.compress(array([record(0, "a")])[:-2]), "its end is missing"),
        (gzip.compress(array([record(0, "a", ModelTags=deep(400))])), "cannot be compared"),
        ([record(number, f"m{number}") for number in range(10_001)], "more than 10,000 records have the ModelURL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "snapshot",  # gzip's output contains the time
)
def test_broken_snapshots(folder: Path, diff: Diff, former: bytes | list[Any] | Callable[[], bytes], why: str) -> None:
    write(folder, former() if callable(former) else former, [record(0, "a")])
    assert why in refused(diff())


def test_a_snapshot_without_its_records(folder: Path, diff: Diff) -> None:
    write(folder, b"", [])
    (folder / "data/huggingface/snapshots/20261123T091530Z/huggingface.json.gz").unlink()
    assert refused(diff()).endswith("20261123T091530Z/huggingface.json.zst: does not exist")
