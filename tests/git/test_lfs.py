"""LFS files of clones: their owners, their pointers, and answers of LFS servers."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.lfs.gateway import Gateway
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.server import LfsServer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.network.addresses import AddressPolicy, origins
from ptmtorrent_scrapy.network.connections import Network
from tests import hubs as content
from tests.conftest import ROOT, RequestFor, git
from tests.hubs import Hubs, Large
from tests.trees import damage

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
ONE, TWO = Large(b"one " * 5000), Large(b"two " * 5000)
EMPTY = Large(b"", pointer=Large(b"").as_pointer())


def stored(folder: Path, large: Large) -> Path:
    return folder / "lfs" / "objects" / large.oid[:2] / large.oid[2:4] / large.oid


def batches(hubs: Hubs) -> int:
    return len(hubs.asked("/info/lfs/objects/batch"))


@pytest.mark.parametrize("lfs_files", ["link", "copy", "pointer"])
def test_git_lfs_prune_in_one_clone_takes_nothing_from_another(
    hubs: Hubs, request_for: RequestFor, folder: Path, lfs_files: str
) -> None:
    first = hubs.serve("o/one", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    hubs.serve("o/two", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": TWO}]))
    for path in ("o/one", "o/two"):
        assert clone(request_for(path, lfs_files=lfs_files)).status == "cloned"
    first.push({".gitattributes": ATTRIBUTES})
    assert clone(request_for("o/one", lfs_files=lfs_files)).status == "updated"
    settings = ("-c", "lfs.fetchrecentcommitsdays=0", "-c", "lfs.fetchrecentrefsdays=0", "-c", "lfs.pruneoffsetdays=0")
    subprocess.run(["git", *settings, "lfs", "prune", "--force"], cwd=folder / "repos/o/one", check=True)
    assert stored(folder, TWO).read_bytes() == TWO.body
    assert git(folder / "repos/o/two", "lfs", "fsck") == "Git LFS fsck OK\n"
    hubs.requests.clear()
    outcome = clone(request_for("o/two", lfs_files=lfs_files, commit=hubs.repositories["o/two"].head))
    assert outcome.status == "current"
    assert not hubs.requests


def test_a_clone_of_an_earlier_version_gets_objects_of_its_own(
    hubs: Hubs, request_for: RequestFor, folder: Path
) -> None:
    served = hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    clone(request_for())
    clone_folder = folder / "repos/o/m"
    subprocess.run(["rm", "-r", str(clone_folder / ".git/lfs")], check=True)
    git(clone_folder, "config", "lfs.storage", "../../../../lfs")
    state = json.loads((clone_folder / ".git/ptmtorrent.json").read_text())
    del state["objects"], state["assumed_unchanged"]
    (clone_folder / ".git/ptmtorrent.json").write_text(json.dumps(state))
    assert clone(request_for(commit=served.head)).status == "current"
    assert "lfs.storage" not in git(clone_folder, "config", "--list", "--local")
    assert git(clone_folder, "lfs", "fsck") == "Git LFS fsck OK\n"
    assert stored(folder, ONE).samefile(clone_folder / ".git/lfs/objects" / ONE.oid[:2] / ONE.oid[2:4] / ONE.oid)


def test_an_object_that_is_gone_comes_back(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    """It comes from the clone itself, else from the server; it is noticed although the commit is the same."""
    served = hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    clone(request_for())
    hubs.requests.clear()
    stored(folder, ONE).unlink()
    assert clone(request_for(commit=served.head)).status == "updated"
    assert stored(folder, ONE).read_bytes() == ONE.body
    assert not hubs.asked("lfs")
    stored(folder, ONE).unlink()
    (folder / "repos/o/m/w.bin").unlink()
    assert clone(request_for(commit=served.head)).status == "updated"
    assert stored(folder, ONE).samefile(folder / "repos/o/m/w.bin")
    assert batches(hubs) == 1


def test_a_damaged_object_is_not_handed_on(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    for path in ("o/one", "o/two"):
        hubs.serve(path, content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    clone(request_for("o/one"))
    damage(stored(folder, ONE), keep_time=False)
    assert clone(request_for("o/two")).status == "cloned"
    assert (folder / "repos/o/two/w.bin").read_bytes() == ONE.body
    assert [each.name for each in stored(folder, ONE).parent.iterdir()] == [ONE.oid]


@pytest.mark.parametrize(
    ("finder", "is_cut"),
    [("a new clone", False), ("a sample", False), ("a new clone", True), ("a sample", True), ("its clone", True)],
)
def test_all_clones_get_back_what_the_disk_damaged(
    hubs: Hubs, request_for: RequestFor, folder: Path, finder: str, is_cut: bool
) -> None:
    """The file of a clone is the stored object, so the others have it before their next update."""
    for path in ("o/one", "o/two", "o/three"):
        hubs.serve(path, content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    files = [folder / "repos/o" / name / "w.bin" for name in ("one", "two")]
    for name in ("o/one", "o/two"):
        clone(request_for(name))
    damage(files[1], keep_time=True, cut=is_cut)
    if finder == "a sample":
        Store(folder / "lfs").set_aside(ONE.oid)
    found = clone(request_for("o/three" if finder == "a new clone" else "o/one"))
    assert found.error is None
    for file in files:
        assert file.read_bytes() == ONE.body
        assert file.samefile(stored(folder, ONE))
        assert git(file.parent, "status", "--porcelain") == ""
    assert clone(request_for("o/two")).status == "current"
    assert [each.name for each in stored(folder, ONE).parent.iterdir()] == [ONE.oid]


@pytest.mark.parametrize("is_cut", [False, True])
def test_what_a_user_writes_into_a_linked_file_is_kept_and_harms_no_clone(
    hubs: Hubs, request_for: RequestFor, folder: Path, is_cut: bool
) -> None:
    names = ("o/one", "o/two")
    for name in names:
        hubs.serve(name, content.Repository([{".gitattributes": ATTRIBUTES, "README.md": b"#", "w.bin": ONE}]))
        clone(request_for(name))
    file = folder / "repos/o/two/w.bin"
    damage(file, keep_time=False, cut=is_cut)
    os.utime(file, (later := time.time() + 2, later))  # git compares whole seconds
    written = file.read_bytes()
    (folder / "repos/o/two/README.md").write_text("my edit")
    found = clone(request_for("o/one"))
    assert (found.status, "1 large file was changed" in str(found.error)) == ("updated", True)
    assert "local changes: README.md;" in str(clone(request_for("o/two")).error)
    for name in names:
        assert (folder / "repos" / name / "w.bin").read_bytes() == ONE.body
        assert (folder / "repos" / name / "w.bin").samefile(stored(folder, ONE))
    assert git(folder / "repos/o/two", "status", "--porcelain") == " M README.md\n"
    assert [each.name for each in stored(folder, ONE).parent.iterdir()] == [ONE.oid]
    assert [path.read_bytes() for path in (folder / "lfs" / "written").iterdir()] == [written]
    assert clone(request_for("o/one")).status == "current"


def test_an_object_that_was_touched_is_not_fetched_again(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    clone(request_for())
    for ahead in (0, 10_000):  # seconds
        os.utime(stored(folder, ONE), (now := time.time() + ahead, now))
        assert [clone(request_for()).status for _ in range(2)] == ["updated", "current"]
    assert batches(hubs) == 1


def test_pointers_that_git_lfs_would_write_otherwise(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    pointer = ONE.as_pointer()
    media = pointer.replace(b"https://git-lfs.github.com/spec/v1", b"http://git-media.io/v/2")
    forms = {"no-end": pointer.rstrip(b"\n"), "crlf": pointer.replace(b"\n", b"\r\n"), "media": media}
    files: dict[str, Any] = {f"{name}.bin": Large(ONE.body, pointer=form) for name, form in forms.items()}
    served = hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, **files, "empty.bin": EMPTY}]))
    outcome = clone(request_for())
    clone_folder = folder / "repos/o/m"
    assert (outcome.status, outcome.error) == ("cloned", None)
    for name in files:
        (clone_folder / name).touch()  # git has to compare them unless its index has their times
        assert (clone_folder / name).read_bytes() == ONE.body
    assert (clone_folder / "empty.bin").read_bytes() == b""
    assert git(clone_folder, "status", "--porcelain") == ""
    assert len(hubs.asked("^/_lfs/")) == 1
    served.push({".gitattributes": ATTRIBUTES, "crlf.bin": TWO, "no-end.bin": b"small\n"})
    assert clone(request_for()).status == "updated"
    assert (clone_folder / "crlf.bin").read_bytes() == TWO.body
    assert (clone_folder / "no-end.bin").read_bytes() == b"small\n"
    assert git(clone_folder, "status", "--porcelain") == ""


def test_pointers_that_the_attributes_do_not_name(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    attributes = ATTRIBUTES + b"not.bin !filter -diff\n"
    files: dict[str, Any] = {".gitattributes": attributes, "not.bin": ONE, "with space.json": TWO, "readme": b"1\n"}
    served = hubs.serve("o/m", content.Repository([files]))
    assert clone(request_for()).status == "cloned"
    clone_folder = folder / "repos/o/m"
    assert (clone_folder / "not.bin").read_bytes() == ONE.body
    assert (clone_folder / "with space.json").read_bytes() == TWO.body
    assert git(clone_folder, "status", "--porcelain") == ""
    git(clone_folder, "checkout", "HEAD", "--", "not.bin")
    served.push({**files, "not.bin": b"no pointer any more\n"})
    assert clone(request_for()).status == "updated"
    assert (clone_folder / "not.bin").read_bytes() == b"no pointer any more\n"
    assert git(clone_folder, "status", "--porcelain") == ""
    assert "not.bin" not in (clone_folder / ".git/info/attributes").read_text()


def test_attributes_that_are_a_pointer_themselves(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    files = {".gitattributes": Large(ATTRIBUTES + b"#" * 200), "w.bin": ONE, ".gitmodules": Large(b"[submodule]" * 50)}
    hubs.serve("o/m", content.Repository([files]))
    clone(request_for())
    clone_folder = folder / "repos/o/m"
    assert (clone_folder / "w.bin").read_bytes() == ONE.body
    assert (clone_folder / ".gitmodules").read_bytes() == files[".gitmodules"].as_pointer()
    assert git(clone_folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("status", [402, 403, 404, 405, 410, 422, 501, 507])
def test_a_permanent_answer_for_one_object_is_not_asked_for_again(
    hubs: Hubs, request_for: RequestFor, folder: Path, status: int
) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE, "x.bin": TWO}]))
    hubs.faults.add(f"^/_lfs/{ONE.oid}", status=status, body='{"message": "because"}')
    outcome = clone(request_for(accept_partial=False))
    assert outcome.status == "partial"
    assert f"HTTP status {status}): because" in str(outcome.error).replace(f"{status}: ", f"{status}): ")
    assert len(hubs.asked(f"^/_lfs/{ONE.oid}")) == 1
    assert (folder / "repos/o/m/x.bin").read_bytes() == TWO.body


@pytest.mark.parametrize("status", [402, 403, 405, 422, 507])
def test_a_permanent_answer_to_the_batch_is_not_asked_for_again(
    hubs: Hubs, request_for: RequestFor, status: int
) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    hubs.faults.add("/objects/batch", status=status, body='{"message": "The LFS budget is used up."}')
    outcome = clone(request_for(accept_partial=False))
    assert outcome.status == "partial"
    assert str(outcome.error).endswith(": The LFS budget is used up.")
    assert batches(hubs) == 1


def test_a_batch_answer_without_some_objects(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE, "x.bin": TWO}]))
    action = {"download": {"href": f"/_lfs/{TWO.oid}"}}  # relative, as some servers write it
    body = json.dumps({"objects": [{"oid": TWO.oid, "size": len(TWO.body), "actions": action}]})
    hubs.faults.add("/objects/batch", status=200, body=body)
    outcome = clone(request_for())
    assert outcome.status == "partial"
    assert ": their server does not have them" in str(outcome.error)
    assert (folder / "repos/o/m/x.bin").read_bytes() == TWO.body
    assert batches(hubs) == 1


@pytest.mark.parametrize("body", ["<!DOCTYPE html>", "[]", '{"objects": 1}', '{"objects": [1]}', "[" * 200_000])
def test_an_answer_that_is_not_of_the_batch_api(hubs: Hubs, request_for: RequestFor, body: str) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    hubs.faults.add("/objects/batch", status=200, body=body)
    outcome = clone(request_for())
    assert outcome.status == "partial"
    assert "not one of git-lfs's batch API" in str(outcome.error)


def test_a_pause_that_an_lfs_server_asks_for(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE, "x.bin": TWO}]))
    hubs.faults.add("^/_lfs/", status=429, headers={"Retry-After": "120"})
    outcome = clone(request_for(accept_partial=False))
    assert (outcome.status, outcome.failure, outcome.pause) == ("failed", "host", 120)


def test_an_lfs_server_that_the_repository_names(hubs: Hubs, request_for: RequestFor) -> None:
    config = b"[lfs]\n\turl = https://lfs.example/o/m\n"
    files: content.Files = {".gitattributes": ATTRIBUTES, ".lfsconfig": config, "w.bin": ONE}
    hubs.serve("o/m", content.Repository([files]))
    del hubs.objects[ONE.oid]
    outcome = clone(request_for())
    assert outcome.status == "partial"
    assert "its .lfsconfig names another LFS server ('https://lfs.example/o/m'), which is not used" in str(
        outcome.error
    )


@pytest.fixture
def dripping() -> Iterator[str]:
    """Yield a server that sends single bytes: of its objects, of its answers or of their headers."""
    ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["objects"]
            href = f"http://{self.headers['Host']}/object"
            body = json.dumps({"objects": [{**each, "actions": {"download": {"href": href}}} for each in asked]})
            if self.path.startswith("/headers/"):
                self.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100)
            self.send_response(200)
            self.end_headers()
            if self.path.startswith("/answer/"):
                self.drip(body.encode() + b" " * 1000)
            self.wfile.write(body.encode())

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(ONE.body)))
            self.end_headers()
            self.drip(ONE.body)

        def drip(self, content: bytes) -> None:
            for byte in content:
                if ended.wait(0.1):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore that the client has closed the connection."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        ended.set()
        server.shutdown()
        thread.join()


def test_an_lfs_server_that_is_too_slow(hubs: Hubs, request_for: RequestFor, dripping: str) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    del hubs.objects[ONE.oid]
    began = time.monotonic()
    outcome = clone(request_for(mirrors=(f"{dripping}/objects/info/lfs",), timeout=2, accept_partial=False))
    assert (outcome.status, outcome.failure) == ("failed", "retry")
    assert "less than 1000 bytes per second" in str(outcome.error)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("what", "error"),
    [("answer", "less than 1000 bytes per second"), ("headers", "does not answer as HTTP requires")],
)
def test_an_lfs_server_whose_answer_is_too_slow(dripping: str, what: str, error: str) -> None:
    network = Network(policy=AddressPolicy(trusted=origins([dripping])), idle_seconds=1)
    url = f"{dripping}/{what}/info/lfs"
    server = LfsServer(url=url, network=network, protocols=("http",), min_rate=1000, timeout=1)
    pointer = Pointer(ONE.oid, len(ONE.body))
    with contextlib.closing(Gateway(server)) as gateway:
        (entry,) = gateway.batch([pointer])
        assert "actions" not in entry
        assert error in str(gateway.failure([pointer]))


def test_open_files_that_run_out_are_not_the_repositorys_fault(hubs: Hubs, request_for: RequestFor) -> None:
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": ONE}]))
    code = (
        "import json, resource, sys\n"
        "from ptmtorrent_scrapy.git.clone import clone\nfrom ptmtorrent_scrapy.git.models import CloneRequest\n"
        "request = CloneRequest(**{**json.load(sys.stdin), 'protocols': ('http',)})\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))\n"
        "result = clone(request)\nprint(json.dumps([result.failure, result.error]))\n"
    )
    for is_last, failure in ((False, "retry"), (True, "machine")):
        request = request_for(accept_partial=is_last)
        given = json.dumps({name: getattr(request, name) for name in ("url", "path", "store", "accept_partial")})
        ended = subprocess.run([sys.executable, "-c", code], input=given, cwd=ROOT, capture_output=True, text=True)
        assert json.loads(ended.stdout)[0] == failure, ended
        assert "ulimit -n" in json.loads(ended.stdout)[1]


def test_a_file_that_is_in_git_as_it_is_although_it_is_given_to_git_lfs(
    hubs: Hubs, request_for: RequestFor, folder: Path
) -> None:
    files: content.Files = {".gitattributes": ATTRIBUTES, "w.bin": ONE, "small.bin": b"in git\n"}
    served = hubs.serve("o/m", content.Repository([files]))
    for content_ in (b"in git\n", b"still in git\n"):
        served.push({**files, "small.bin": content_})
        clone(request_for())
        assert git(folder / "repos/o/m", "status", "--porcelain") == ""
