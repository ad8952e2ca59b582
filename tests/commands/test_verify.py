"""`scrapy verify` checks a tree and repairs it."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.storage.tree import DataTree
from tests import processes
from tests.conftest import ROOT, Crawl, Start, command, git
from tests.hubs import Files, Hubs, Large, Repository
from tests.hubs.server import in_memory

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
WEIGHTS, OTHER = Large(b"weights " * 20_000), Large(b"other weights " * 20_000)

Verify = Callable[..., "subprocess.CompletedProcess[str]"]
Damage = Callable[[Path], object]


@pytest.fixture
def verify(hubs: Hubs, folder: Path) -> Verify:
    """Run `scrapy verify` on the tree in the folder."""

    def run(*words: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
        program = command(hubs, folder, "HUB", **settings)
        at = program.index("crawl")
        program = [*program[:at], "verify", *words, *program[at + 2 :]]
        return processes.run(program, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture(scope="module")
def server() -> Iterator[Hubs]:
    """Yield the hubs of all tests; each test gets them in the state after `serve`."""
    with Hubs(models=24, seed=7, troubles=False) as hubs:
        yield hubs


def serve(hubs: Hubs) -> None:
    """Serve two models, whose clones share a large file."""
    listed = []
    for name in ("o/one", "o/two"):
        more: Files = {"x.bin": OTHER} if name == "o/two" else {}
        files: Files = {".gitattributes": ATTRIBUTES, "README.md": name.encode(), "w.bin": WEIGHTS, **more}
        served = hubs.serve(name, Repository([{"old.txt": b"1"}, files]))
        listed.append({"id": name, "sha": served.head})
    hubs.huggingface.models = listed


@pytest.fixture
def hubs(server: Hubs) -> Hubs:
    """Return hubs with two models and without faults."""
    serve(server)
    server.faults.clear()
    return server


@pytest.fixture(scope="module")
def crawled(server: Hubs) -> Iterator[Path]:
    """Yield a folder with a tree of both models."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        serve(server)
        words = command(server, Path(folder), "huggingface", fraction=1)
        processes.run(words, cwd=ROOT, stderr=subprocess.DEVNULL, check=True)
        yield Path(folder)


@pytest.fixture
def done(hubs: Hubs, crawled: Path, folder: Path) -> Crawl:
    """Return a copy of that tree, with its links."""
    subprocess.run(["cp", "-a", str(crawled / "data"), str(folder)], check=True)
    return Crawl(0, "", folder / "data" / "huggingface")


def problems(ended: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("hub", ["huggingface", "modelhub", "modelzoo", "onnxmodelzoo", "pytorchhub"])
def test_a_tree_as_a_crawl_leaves_it(
    crawl: Start, verify: Verify, hub: str, hubs: Hubs, no_browser: dict[str, str]
) -> None:
    hubs.huggingface.models = None
    fraction = {"huggingface": 0.3, "modelhub": 0.5}.get(hub, 1)
    assert crawl(hub, no_browser, fraction=fraction).status == 0
    ended = verify(hub, "--json")
    assert (ended.stdout, ended.returncode) == ("", 0), ended
    assert ended.stderr.endswith(", 0 problems\n")


def stored(tree: Path, large: Large) -> Path:
    return tree / "lfs" / "objects" / large.oid[:2] / large.oid[2:4] / large.oid


def flip(tree: Path) -> None:
    path = stored(tree, WEIGHTS)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"X")


def relink(tree: Path) -> None:
    path = tree / "repos" / "o" / "two" / "w.bin"
    path.unlink()
    path.write_bytes(b"another file")


def alter(path: Path) -> None:
    """Replace a file with one of other content, but the same size and time."""
    before = path.stat()
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def unlink(path: Path) -> None:
    """Replace a link with a copy."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def swap(one: Path, two: Path) -> None:
    one.rename(one.with_name("aside"))
    two.rename(one)
    one.with_name("aside").rename(two)


def break_pack(tree: Path) -> None:
    for path in (tree / "repos" / "o" / "one" / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-30] + b"0" * 30)


def edit_record(tree: Path, **changed: Any) -> None:
    path = tree / "json" / "huggingface.json"
    records = json.loads(path.read_text())
    records[1] |= changed
    path.write_text("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


MENDED: list[tuple[Damage, str, str]] = [
    (flip, "object damaged", stored(Path(), WEIGHTS).as_posix()),
    (lambda tree: stored(tree, OTHER).unlink(), "object missing", "repos/o/two/x.bin"),
    (relink, "link", "repos/o/two/w.bin"),
    (lambda tree: alter(tree / "repos/o/two/x.bin"), "link", "repos/o/two/x.bin"),
    (lambda tree: unlink(tree / "repos/o/two/x.bin"), "second copy", "repos/o/two/x.bin"),
    (lambda tree: swap(tree / "repos/o/one", tree / "repos/o/two"), "clone damaged", "repos/o/one"),
    (lambda tree: (tree / "repos/o/one/w.bin").unlink(), "link", "repos/o/one/w.bin"),
    (lambda tree: (tree / "repos/o/one/README.md").write_text("x"), "worktree", "repos/o/one/README.md"),
    (break_pack, "clone damaged", "repos/o/one"),
    (lambda tree: shutil.rmtree(tree / "repos/o/one"), "clone missing", "repos/o/one"),
    (lambda tree: git(tree / "repos/o/one", "checkout", "-q", "--detach", "HEAD~1"), "clone moved", "repos/o/one"),
]


@pytest.mark.parametrize(("damage", "kind", "path"), MENDED)
def test_problems_that_a_download_repairs(done: Crawl, verify: Verify, damage: Damage, kind: str, path: str) -> None:
    damage(done.folder)
    found = verify("huggingface", "--json")
    assert found.returncode == (kind != "second copy")
    assert (kind, path) in [(each["kind"], each["path"]) for each in problems(found)]
    assert all(each["repairable"] for each in problems(found) if each["fault"])
    repaired = verify("huggingface", "--json", "--repair")
    assert repaired.returncode == 0, repaired
    clean = verify("huggingface", "--json")
    kept = ["local changes"] if damage is flip else []  # what was written into a large file
    assert (clean.returncode, [each["kind"] for each in problems(clean)]) == (0, kept)
    for name in ("one", "two"):
        assert (done.folder / "repos" / "o" / name / "w.bin").read_bytes() == WEIGHTS.body
        assert git(done.folder / "repos" / "o" / name, "status", "--porcelain") == ""
    assert stored(done.folder, WEIGHTS).stat().st_nlink == 3


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda tree: edit_record(tree, ModelName=""), "record"),
        (lambda tree: edit_record(tree, ModelName="o/one"), "record"),
        (lambda tree: edit_record(tree, id=7), "record"),
        (lambda tree: edit_record(tree, LatestGitCommitSHA="main"), "record"),
        (lambda tree: cut(tree / "json" / "huggingface.json"), "records"),
        (lambda tree: (tree / "json" / "huggingface.json").unlink(), "records"),
        (lambda tree: (tree / "json" / "metadata" / "hf_metadata.json").unlink(), "metadata"),
        (lambda tree: cut(tree / "json" / "metadata" / "hf_metadata.json"), "metadata"),
        (lambda tree: cut(tree / "json" / "repositories.jsonl"), "line"),
        (lambda tree: shutil.copytree(tree / "repos" / "o" / "one", tree / "repos" / "o" / "three"), "stray"),
        (lambda tree: (tree / "json" / "notes.txt").write_text("x"), "stray"),
        (lambda tree: (tree / "repos" / "file").write_text("x"), "stray"),
        (lambda tree: (tree / "repos" / "o" / "one" / "notes.txt").write_text("x"), None),
        (lambda tree: (tree / "json" / "metadata" / "notes.json").write_text("[]"), "stray"),
        (lambda tree: (tree / "lfs" / "objects" / "notes").write_text("x"), "stray"),
        (lambda tree: (tree / "snapshots" / "mine").mkdir(parents=True), "stray"),
        (lambda tree: (tree / "lfs" / "objects" / "aa" / "bb").mkdir(parents=True), None),
    ],
)
def test_problems_that_no_download_repairs(done: Crawl, verify: Verify, damage: Damage, kind: str | None) -> None:
    damage(done.folder)
    before = {path: path.read_bytes() for path in done.folder.rglob("*") if path.is_file()}
    for options in ((), ("--repair",)):
        found = verify("huggingface", "--json", *options)
        faults = {each["kind"] for each in problems(found) if each["fault"]}
        assert kind in faults if kind else not faults
        assert found.returncode == (1 if kind else 0)
    if kind not in (None, "line"):
        assert {path: path.read_bytes() for path in done.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("files", "kind"), [("copy", "link"), ("pointer", "worktree")])
def test_large_files_that_are_copies(done: Crawl, crawl: Start, verify: Verify, files: str, kind: str) -> None:
    crawl("huggingface", fraction=1, CLONE_LFS_FILES=files)
    assert verify("--json").stdout == ""
    path = done.folder / "repos" / "o" / "two" / "x.bin"
    right = path.read_bytes()
    alter(path)
    assert [(each["kind"], each["path"]) for each in problems(verify("--json"))] == [(kind, "repos/o/two/x.bin")]
    assert verify("--repair").returncode == 0
    assert path.read_bytes() == right


def test_a_tree_may_be_moved(done: Crawl, verify: Verify, folder: Path) -> None:
    (folder / "data").rename(folder / "archive")
    assert verify("--json", DATA_DIR=folder / "archive").stdout == ""


def test_a_missing_file_is_reported_once(done: Crawl, verify: Verify) -> None:
    (done.folder / "json" / "metadata" / "hf_metadata.json").unlink()
    [told] = problems(verify("--json"))
    assert (told["path"], told["detail"]) == (
        "json/metadata/hf_metadata.json",
        "is missing; objects of it are named by 2 records",
    )


def test_what_the_server_no_longer_has_stays(done: Crawl, verify: Verify, hubs: Hubs) -> None:
    flip(done.folder)
    damaged = stored(done.folder, WEIGHTS).read_bytes()
    hubs.faults.add("^/_lfs/", status=404)
    repaired = verify("huggingface", "--repair")
    assert repaired.returncode == 1
    assert "left: huggingface: object damaged" in repaired.stderr
    assert stored(done.folder, WEIGHTS).read_bytes() == damaged
    break_pack(done.folder)
    hubs.repositories["o/one"].remove()
    assert verify("huggingface", "--repair").returncode == 1
    assert (done.folder / "repos" / "o" / "one" / "README.md").read_text() == "o/one"


def test_what_a_user_wrote_into_a_shared_file_is_kept_by_a_crawl(done: Crawl, verify: Verify, crawl: Start) -> None:
    file = stored(done.folder, WEIGHTS)
    for number in range(2):
        flip(done.folder)
        later = time.time() + 2 + number
        os.utime(file, (later, later))
        assert crawl("huggingface", fraction=1).status == 0
        found = verify("--json")
        assert found.returncode == 0
        kept = [each["path"] for each in problems(found) if each["kind"] == "local changes"]
        assert len(kept) == number + 1
        assert all(path.startswith(f"lfs/written/{WEIGHTS.oid}.") for path in kept)


def test_notes_are_no_faults(done: Crawl, verify: Verify, hubs: Hubs, crawl: Start) -> None:
    files: Files = {".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}
    head = hubs.repositories["o/two"].push(files)
    assert isinstance(hubs.huggingface.models, list)
    hubs.huggingface.models[1] = {"id": "o/two", "sha": head}
    crawl("huggingface", fraction=1)
    (done.folder / "repos" / "o" / ".gone~partial").mkdir()
    found = verify("huggingface", "--json")
    assert found.returncode == 0
    assert [(each["kind"], each["fault"]) for each in problems(found)] == [
        ("work in progress", False),
        ("unused", False),
    ]


def test_files_of_a_killed_crawl_are_no_faults(
    done: Crawl, verify: Verify, hubs: Hubs, folder: Path, crawl: Start
) -> None:
    assert isinstance(hubs.huggingface.models, list)
    hubs.huggingface.models[1]["sha"] = hubs.repositories["o/two"].push({"README.md": b"2"})
    hubs.huggingface.models.append({"id": "o/three", "sha": hubs.serve("o/three", Repository([{"a": b"1"}])).head})
    hubs.huggingface.models.append({"id": "o/last", "sha": hubs.serve("o/last", Repository([{"a": b"1"}])).head})
    hubs.faults.add("^/o/last/", stall=True)
    program = command(hubs, folder, "huggingface", fraction=1, CLONE_CONCURRENCY=1)
    with processes.Popen(program, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        hubs.wait_for("^/o/last/")
        process.kill()
    hubs.faults.clear()
    found = verify("huggingface", "--json")
    assert found.returncode == 0, found.stdout
    assert {each["path"] for each in problems(found)} > {"repos/o/two", "repos/o/three"}
    assert crawl("huggingface", fraction=1).status == 0
    assert [each for each in problems(verify("--json")) if each["kind"] != "unused"] == []


def test_a_sample_is_the_same_each_time(done: Crawl, verify: Verify) -> None:
    flip(done.folder)
    shares = [verify("huggingface", "--json", "--sample", share).stdout for share in ("1%", "0.01", "100%", "100%")]
    assert shares[0] == shares[1]
    assert shares[2] == shares[3]
    assert "object damaged" in shares[2]


def test_output_is_harmless_on_a_terminal(done: Crawl, verify: Verify) -> None:
    (done.folder / "repos" / "o" / "\x1b[2J\n").mkdir()
    assert verify().stdout == "huggingface: stray: repos/o/\\x1b[2J\\n: not referenced by any index\n"


def test_for_people(done: Crawl, verify: Verify) -> None:
    flip(done.folder)
    found = verify()
    assert found.returncode == 1
    line = f"huggingface: object damaged: {stored(Path(), WEIGHTS)}: has the SHA-256 "
    assert found.stdout.startswith(line)
    assert "1 problem; use --repair to download damaged and missing files again" in found.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["github"], "unknown hub 'github' (choose from huggingface,"),
        (["modelzoo"], "modelzoo does not exist"),
        (["huggingface", "--sample", "0"], "--sample=0: not accepted"),
        (["huggingface", "--sample", "x%"], "--sample=x%: not accepted"),
    ],
)
def test_what_cannot_start(done: Crawl, verify: Verify, words: list[str], said: str) -> None:
    ended = verify(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_a_hub_that_is_being_crawled_is_not_checked(done: Crawl, verify: Verify, folder: Path) -> None:
    with DataTree(folder / "data", "huggingface").claim():
        ended = verify("huggingface")
    assert ended.returncode == 2
    assert "is in use by another crawl" in ended.stderr


def test_skipped_large_files_may_be_in_the_working_tree_or_not(
    done: Crawl, crawl: Start, verify: Verify, hubs: Hubs
) -> None:
    for lfs in ("none", "all", "none"):
        files: Files = {".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS, "lfs.txt": lfs.encode()}
        head = hubs.repositories["o/two"].push(files)
        assert isinstance(hubs.huggingface.models, list)
        hubs.huggingface.models[1] = {"id": "o/two", "sha": head}
        assert crawl("huggingface", fraction=1, lfs=lfs).statuses["o/two"] == "updated"
        assert [each for each in problems(verify("--json")) if each["fault"]] == []
