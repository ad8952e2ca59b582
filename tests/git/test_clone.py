"""Clones: made, updated and resumed; LFS objects stored once."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.clone import clone, head_commit
from ptmtorrent_scrapy.git.errors import Cancelled, Missing
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, FailureKind
from tests import hubs as content
from tests.conftest import ROOT, RequestFor, git
from tests.hubs import Hubs, Large
from tests.hubs.content import pointer

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
WEIGHTS = Large(b"weights " * 50_000)
TEXT = Large(b"x" * 2000)  # in a file that .gitattributes does not name
MORE = Large(b"more weights " * 50_000)
FILES: dict[str, Any] = {".gitattributes": ATTRIBUTES, "README.md": b"# A model\n", "deep/down/weights.bin": WEIGHTS}


def stored(folder: Path) -> set[str]:
    return {path.name for path in (folder / "lfs" / "objects").rglob("*") if path.is_file()}


def stored_path(folder: Path, oid: str) -> Path:
    return folder / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def downloads(hubs: Hubs) -> list[str]:
    return [request.path.rpartition("/")[2] for request in hubs.asked("^/_lfs/")]


def test_a_complete_clone(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"README.md": b"first\n"}, FILES]))
    outcome = clone(request_for(read_files=("README.md", "absent.txt", "deep")))
    assert (outcome.status, outcome.commit, outcome.branch, outcome.error) == ("cloned", served.head, "main", None)
    assert (outcome.lfs_objects, outcome.lfs_bytes) == (1, len(WEIGHTS.body))
    assert outcome.files == {"README.md": b"# A model\n"}
    clone_folder = folder / "repos" / "o" / "m"
    assert len(git(clone_folder, "log", "--oneline").splitlines()) == 2
    assert git(clone_folder, "status", "--porcelain") == ""
    assert git(clone_folder, "lfs", "fsck") == "Git LFS fsck OK\n"
    assert git(clone_folder, "fsck") == ""
    placed = clone_folder / "deep" / "down" / "weights.bin"
    assert placed.read_bytes() == WEIGHTS.body
    assert placed.samefile(stored_path(folder, WEIGHTS.oid))
    assert placed.stat().st_mode & 0o777 == 0o444
    assert list(clone_folder.parent.iterdir()) == [clone_folder]


def test_a_status_that_reads_no_large_file(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([FILES]))
    clone(request_for())
    clone_folder = folder / "repos" / "o" / "m"
    index = git(clone_folder, "ls-files", "--debug", "deep/down/weights.bin")
    assert f"size: {len(WEIGHTS.body)}" in index


@pytest.mark.parametrize("how", ["link", "copy", "pointer"])
def test_how_large_files_appear_in_the_working_tree(
    hubs: Hubs, request_for: RequestFor, folder: Path, how: str
) -> None:
    hubs.serve("o/m", content.Repository([FILES]))
    assert clone(request_for(lfs_files=how)).status == "cloned"
    placed = folder / "repos" / "o" / "m" / "deep" / "down" / "weights.bin"
    assert (placed.read_bytes() == WEIGHTS.body) == (how != "pointer")
    assert placed.samefile(stored_path(folder, WEIGHTS.oid)) == (how == "link")
    assert git(folder / "repos" / "o" / "m", "status", "--porcelain") == ""
    assert stored(folder) == {WEIGHTS.oid}


@pytest.mark.parametrize(
    ("lfs", "fetched"),
    [
        ("auto", {WEIGHTS.oid, TEXT.oid}),
        ("all", {WEIGHTS.oid, MORE.oid, TEXT.oid}),
        ("none", set()),
        (str(len(WEIGHTS.body)), {WEIGHTS.oid, TEXT.oid}),
        (str(len(WEIGHTS.body) - 1), {TEXT.oid}),
    ],
)
def test_which_large_files_are_fetched(
    hubs: Hubs, request_for: RequestFor, folder: Path, lfs: str, fetched: set[str]
) -> None:
    excludes = b"[lfs]\n\tfetchexclude = other, *.never\n\turl = http://127.0.0.1:1/elsewhere\n"
    files = {**FILES, "other/more.bin": MORE, ".lfsconfig": excludes, "text.txt": TEXT}
    hubs.serve("o/m", content.Repository([files]))
    outcome = clone(request_for(lfs=lfs))
    assert (outcome.status, outcome.error) == ("cloned", None)
    assert stored(folder) == fetched
    assert set(downloads(hubs)) == fetched
    clone_folder = folder / "repos" / "o" / "m"
    assert git(clone_folder, "status", "--porcelain") == ""
    assert (clone_folder / "other" / "more.bin").read_bytes() == (
        MORE.body if MORE.oid in fetched else MORE.as_pointer()
    )
    assert clone(request_for(lfs=lfs, commit=outcome.commit)).status == "current"
    assert clone(request_for(lfs="all", commit=outcome.commit)).status in ("updated", "current")
    assert stored(folder) == {WEIGHTS.oid, MORE.oid, TEXT.oid}


def test_a_large_file_of_two_repositories_is_downloaded_once(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    paths = [f"o/m{number}" for number in range(8)]
    for path in paths:
        hubs.serve(path, content.Repository([{**FILES, "name.txt": path.encode()}]))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda path: clone(request_for(path)), paths))
    assert {outcome.status for outcome in outcomes} == {"cloned"}
    assert downloads(hubs) == [WEIGHTS.oid]
    links = {(folder / "repos" / path / "deep" / "down" / "weights.bin").stat().st_ino for path in paths}
    assert len(links) == 1


def test_nothing_runs_if_the_hub_has_the_same_commit(hubs: Hubs, request_for: RequestFor) -> None:
    served = hubs.serve("o/m", content.Repository([FILES]))
    clone(request_for())
    hubs.requests.clear()
    outcome = clone(request_for(commit=served.head, protocols=("http",), configuration={"core.pager": "none"}))
    assert (outcome.status, outcome.commit, outcome.lfs_objects) == ("current", served.head, 1)
    assert not hubs.requests


def test_a_repository_that_moved(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([FILES]))
    first = clone(request_for())
    served.push({**FILES, "README.md": b"# Better\n", "more.bin": MORE})
    hubs.requests.clear()
    second = clone(request_for(commit=served.head))
    assert (first.status, second.status, second.commit) == ("cloned", "updated", served.head)
    clone_folder = folder / "repos" / "o" / "m"
    assert (clone_folder / "README.md").read_bytes() == b"# Better\n"
    assert (clone_folder / "more.bin").read_bytes() == MORE.body
    assert downloads(hubs) == [MORE.oid]
    assert git(clone_folder, "status", "--porcelain") == ""
    assert git(clone_folder, "lfs", "fsck") == "Git LFS fsck OK\n"
    assert git(clone_folder, "for-each-ref", "refs/rewritten") == ""


def test_history_that_was_rewritten_stays(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}, {"a": b"2"}]))
    before = clone(request_for()).commit
    served.push({"b": b"3"}, parent=False)
    outcome = clone(request_for())
    clone_folder = folder / "repos" / "o" / "m"
    assert (outcome.status, outcome.commit) == ("updated", served.head)
    assert sorted(os.listdir(clone_folder)) == [".git", "b"]
    kept = git(clone_folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/rewritten").split()
    assert kept[0] == before
    assert kept[1].endswith("Z/main")


def test_a_default_branch_that_was_renamed(hubs: Hubs, request_for: RequestFor) -> None:
    served = hubs.serve("o/m", content.Repository([FILES], branch="master"))
    assert clone(request_for()).branch == "master"
    served.rename_branch("main")
    served.push({**FILES, "new": b"1"})
    outcome = clone(request_for())
    assert (outcome.status, outcome.branch, outcome.commit) == ("updated", "main", served.head)


def test_a_repository_that_is_gone_keeps_its_clone(hubs: Hubs, request_for: RequestFor) -> None:
    served = hubs.serve("o/m", content.Repository([FILES]))
    first = clone(request_for())
    served.remove()
    outcome = clone(request_for())
    assert (outcome.status, outcome.path, outcome.commit) == ("missing", first.path, served.head)


def test_a_repository_that_was_renamed(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([FILES])).rename("new/m")
    assert clone(request_for("o/m")).status == "cloned"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_large_file_that_cannot_be_downloaded(hubs: Hubs, request_for: RequestFor, folder: Path, status: int) -> None:
    hubs.serve("o/m", content.Repository([{**FILES, "more.bin": MORE}]))
    fault = hubs.faults.add(f"^/_lfs/{MORE.oid}", status=status)
    outcome = clone(request_for())
    assert outcome.status == "partial"
    assert "1 LFS file is unavailable" in str(outcome.error)
    assert (outcome.lfs_objects, stored(folder)) == (1, {WEIGHTS.oid})
    clone_folder = folder / "repos" / "o" / "m"
    assert (clone_folder / "more.bin").read_bytes() == MORE.as_pointer()
    assert git(clone_folder, "status", "--porcelain") == ""
    hubs.faults.remove(fault)
    hubs.requests.clear()
    assert clone(request_for(commit=outcome.commit)).status == "updated"
    assert (clone_folder / "more.bin").read_bytes() == MORE.body
    assert downloads(hubs) == [MORE.oid]


def test_a_large_file_that_is_cut_off(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([FILES]))
    hubs.faults.add("^/_lfs/", cut=100_000, times=3)
    assert clone(request_for()).status == "cloned"


def test_a_killed_clone_is_continued(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{**FILES, "more.bin": MORE}]))
    hubs.faults.add(f"^/_lfs/{MORE.oid}", stall=True, times=1)
    killed = start(request_for(), hubs, f"^/_lfs/{MORE.oid}")
    assert killed.wait() == -signal.SIGKILL
    assert list((folder / "repos" / "o").glob("m")) == []
    assert_no_process_left(hubs)
    hubs.requests.clear()
    whole = stored(folder)
    assert clone(request_for(commit=served.head)).status == "cloned"
    assert set(downloads(hubs)) == {WEIGHTS.oid, MORE.oid} - whole
    assert hubs.asked("upload-pack") == []
    assert [path.name for path in (folder / "repos" / "o").iterdir()] == ["m"]


def test_a_partial_large_file_is_continued(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    body = bytes(range(256)) * 40_000
    served = hubs.serve("o/m", content.Repository([{**FILES, "deep/down/weights.bin": Large(body)}]))
    hubs.faults.add("^/_lfs/", cut=5_000_000, stall=True, times=1)
    begun = begin(request_for())
    incomplete = folder / "lfs" / "incomplete"
    while not (incomplete.is_dir() and sum(path.stat().st_size for path in incomplete.iterdir()) > 1_000_000):
        assert begun.poll() is None
    begun.kill()
    begun.wait()
    assert_no_process_left(hubs)
    hubs.requests.clear()
    assert clone(request_for(commit=served.head)).status == "cloned"
    [request] = hubs.asked("^/_lfs/")
    assert request.status == 206
    assert request.sent < len(body) - 1_000_000
    assert (folder / "repos" / "o" / "m" / "deep" / "down" / "weights.bin").read_bytes() == body
    assert list(incomplete.iterdir()) == []


def begin(repository: CloneRequest) -> subprocess.Popen[bytes]:
    """Clone in another process."""
    code = (
        "import json, sys\nfrom ptmtorrent_scrapy.git.clone import CloneRequest, clone\n"
        "given = json.load(sys.stdin); given['protocols'] = tuple(given['protocols']); clone(CloneRequest(**given))"
    )
    begun = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, cwd=ROOT)
    assert begun.stdin
    begun.stdin.write(json.dumps(asdict(repository)).encode())
    begun.stdin.close()
    return begun


def start(repository: CloneRequest, hubs: Hubs, pattern: str) -> subprocess.Popen[bytes]:
    """Clone in another process, which is killed when it requests a path with the pattern."""
    begun = begin(repository)
    hubs.wait_for(pattern)
    begun.kill()
    return begun


def assert_no_process_left(hubs: Hubs) -> None:
    """Wait until all processes for the hubs' repositories have ended by themselves."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if hubs.url.encode() in (folder / "cmdline").read_bytes():
                    ended = os.pidfd_open(int(folder.name))
                    assert select.select([ended], [], [], 60)[0], folder
                    os.close(ended)


def test_a_clone_that_makes_no_progress(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([FILES]))
    hubs.faults.add("git-upload-pack", method="POST", stall=True)
    outcome = clone(request_for(timeout=1))
    assert outcome.status == "failed"
    assert outcome.path is None


def test_cancelling(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([FILES]))
    hubs.faults.add("git-upload-pack", method="POST", stall=True)
    repository = request_for(scope="a crawl")
    ended: list[BaseException | CloneResult] = []

    def run() -> None:
        try:
            ended.append(clone(repository))
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    hubs.wait_for("/git-upload-pack$")
    process.cancel("a crawl")
    thread.join()
    assert isinstance(ended[0], Cancelled)
    with pytest.raises(Cancelled):
        clone(repository)
    assert_no_process_left(hubs)


def test_one_process_at_a_time(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([FILES]))
    hubs.faults.add("git-upload-pack", method="POST", stall=True, times=1)
    first = request_for(scope="first")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(clone, first)
        hubs.wait_for("/git-upload-pack$")
        second = clone(request_for())
        process.cancel("first")
        assert isinstance(running.exception(), Cancelled)
    assert second.status == "failed"
    assert f"locked by process {os.getpid()} on " in str(second.error)
    assert clone(request_for()).status == "cloned"


def test_commits_are_asked_for(hubs: Hubs, request_for: RequestFor) -> None:
    served = hubs.serve("o/m", content.Repository([FILES]))
    hubs.serve("o/empty", content.Repository())
    assert head_commit(request_for(read_files=("README.md",))) == (served.head, {})
    assert head_commit(request_for("o/empty")) == (None, {})
    clone(request_for())
    assert head_commit(request_for(read_files=("README.md",))) == (served.head, {"README.md": b"# A model\n"})
    with pytest.raises(Missing):
        head_commit(request_for("o/missing"))


def test_a_gated_repository_with_a_token(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.token = "hf_secret"
    hubs.serve("o/m", content.Repository([FILES]))
    hubs.huggingface.gated.add("o/m")
    assert clone(request_for(gated=True)).status == "gated"
    assert clone(request_for(gated=True, token=(hubs.url, "wrong"))).status == "gated"
    assert clone(request_for(gated=True, token=("http://localhost:1", "hf_secret"))).status == "gated"
    assert clone(request_for(gated=True, token=(hubs.url, "hf_secret"))).status == "cloned"
    assert stored(folder) == {WEIGHTS.oid}
    written = [path for path in folder.rglob("*") if path.is_file() and b"hf_secret" in path.read_bytes()]
    assert written == []


@pytest.mark.parametrize("change", [lambda text: text.replace(b"\n", b"\r\n"), lambda text: text + b"\n  \n"])
def test_pointers_as_git_lfs_reads_them(
    hubs: Hubs, request_for: RequestFor, folder: Path, change: Callable[[bytes], bytes]
) -> None:
    weights = Large(WEIGHTS.body, pointer=change(WEIGHTS.as_pointer()))
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": weights}]))
    outcome = clone(request_for())
    assert (outcome.status, outcome.lfs_objects) == ("cloned", 1)
    assert (folder / "repos" / "o" / "m" / "w.bin").read_bytes() == WEIGHTS.body


def test_skipped_files_stay_pointers_even_if_stored(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    files: content.Files = {".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}
    for name, more in (("o/m", {}), ("o/n", {".lfsconfig": b"[lfs]\n\tfetchexclude = *\n"})):
        hubs.serve(name, content.Repository([{**files, **more}]))
        outcome = clone(request_for(name))
    assert (outcome.lfs_objects, outcome.lfs_skipped) == (0, 1)
    assert (folder / "repos" / "o" / "m" / "w.bin").read_bytes() == WEIGHTS.body
    assert (folder / "repos" / "o" / "n" / "w.bin").read_bytes() == WEIGHTS.as_pointer()


def test_a_damaged_partial_clone_starts_again(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}]))
    clone(request_for())
    partial = folder / "repos" / "o" / ".m~partial"
    (folder / "repos" / "o" / "m").rename(partial)
    (partial / ".git" / "HEAD").write_bytes(b"")
    assert clone(request_for()).status == "cloned"


def test_a_foreign_file_at_the_path_is_reported(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    (folder / "repos" / "o" / "m").mkdir(parents=True)
    outcome = clone(request_for())
    assert outcome.status == "failed"
    assert "exists but is not a git clone: move or delete it" in str(outcome.error)
    assert not hubs.requests


@pytest.mark.parametrize("name", ["o/fsck-malformed", "o/timeout-EOF"])
def test_words_in_a_name_do_not_change_the_error(request_for: RequestFor, name: str) -> None:
    outcome = clone(request_for(name))
    assert (outcome.status, outcome.failure) == ("missing", None)


@pytest.mark.parametrize("status", [429, 503])
def test_an_lfs_server_demands_a_pause(hubs: Hubs, request_for: RequestFor, status: int) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}]))
    hubs.faults.add("^/_lfs/", status=status, headers={"Retry-After": "77"})
    outcome = clone(request_for(accept_partial=False))
    assert (outcome.failure, outcome.pause) == (FailureKind.HOST, 77.0)


def test_large_files_that_do_not_fit_on_the_disk(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    most = shutil.disk_usage(folder).total - 10_000
    small, large = Large(b"small " * 100), Large(b"large " * 10, pointer=pointer("1" * 64, most))
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "s.bin": small, "w.bin": large}]))
    outcome = clone(request_for())
    assert (outcome.status, outcome.failure, outcome.lfs_objects) == ("partial", FailureKind.LACKS_ROOM, 1)
    assert f"they have {most + 600} bytes, more than the " in str(outcome.error)


def test_what_a_killed_git_left_in_a_clone_is_removed(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    clone(request_for())
    inner = folder / "repos" / "o" / "m" / ".git"
    left = [inner / "index.lock", inner / "refs" / "heads" / "main.lock", inner / "objects" / "pack" / "tmp_pack_1"]
    for path in left:
        path.write_bytes(b"")
    served.push({"a": b"2"})
    assert clone(request_for()).status == "updated"
    assert not any(path.exists() for path in left)
