"""An untrusted package becomes a safe tree or no tree."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.publication import bag
from ptmtorrent_scrapy.publication.bag import BagError, CannotStart
from ptmtorrent_scrapy.publication.importing import Imported, Importing

CLONE = "data/huggingface/repos/o/m"
HUB = "data/huggingface/json"
URL = "https://hub.example/o/m"
STATE = {"lfs": "auto", "lfs_files": "link", "copied": False, "error": None, "large": None}
Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _no_watchdog() -> Iterator[None]:
    yield
    process.close_watchdog()


@pytest.fixture(params=["sha1"])
def files(tmp_path: Path, request: pytest.FixtureRequest) -> Files:
    """Return the files of a package with one clone, by their paths."""
    folder = tmp_path / "made"
    folder.mkdir()

    def git(*words: str) -> str:
        options = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main")
        return subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet", f"--object-format={request.param}")
    (folder / "README.md").write_bytes(b"# Model\n")
    git("add", ".")
    git("commit", "--quiet", "--message=one")
    paths = [path for path in folder.rglob("*") if path.is_file() and {"hooks", "logs", "info"}.isdisjoint(path.parts)]
    found = {f"{CLONE}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}
    line = {"url": URL, "path": "repos/o/m", "commit": git("rev-parse", "HEAD").strip(), "status": "cloned"}
    lines = {f"{HUB}/repositories.jsonl": json.dumps(line).encode() + b"\n", f"{HUB}/huggingface.json": b"[\n]\n"}
    return {**found, f"{CLONE}/.git/ptmtorrent.json": json.dumps(STATE).encode(), **lines}


def write_package(folder: Path, files: Files) -> Path:
    lines = []
    for path, body in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        lines.append(bag.manifest_line(hashlib.sha256(body).hexdigest(), path))
    (folder / "manifest-sha256.txt").write_bytes(b"".join(lines))
    (folder / "bagit.txt").write_bytes(bag.DECLARATION)
    (folder / "bag-info.txt").write_bytes(b"Payload-Oxum: 0.0\n")
    return folder


def imported(tmp_path: Path, files: Files) -> tuple[Imported, Path]:
    git = command(CloneRequest(url="", path="", store="", scope="tests of imports"))
    package, root = write_package(tmp_path / "package", files), tmp_path / "data"
    return Importing(package, root, git=lambda hub: git, workers=2).run(), root / "huggingface"


@pytest.mark.parametrize("files", ["sha1", "sha256"], indirect=True)
def test_a_package_that_is_as_it_should_be(tmp_path: Path, files: Files) -> None:
    done, hub = imported(tmp_path, files)
    assert (done.clones, done.missing) == (1, 0)
    assert (hub / "repos/o/m/README.md").read_bytes() == b"# Model\n"
    assert not list((tmp_path / "data").glob(".import~*"))


@pytest.mark.parametrize("stopped_at", ["files", "repositories"])
def test_an_import_that_was_stopped_continues(tmp_path: Path, files: Files, stopped_at: str) -> None:
    git = command(CloneRequest(url="", path="", store="", scope="tests of imports"))
    package, root = write_package(tmp_path / "package", files), tmp_path / "data"
    steps: list[str] = []

    def stop(what: str, done: int, total: int) -> None:
        if what == stopped_at:
            raise KeyboardInterrupt

    def note(what: str, done: int, total: int) -> None:
        steps.append(what)

    with pytest.raises(KeyboardInterrupt):
        Importing(package, root, git=lambda hub: git, workers=2, advance=stop).run()
    assert not (root / "huggingface").exists()
    done = Importing(package, root, git=lambda hub: git, workers=2, advance=note).run()
    again = Importing(package, tmp_path / "again", git=lambda hub: git, workers=2).run()
    assert done == again
    assert ("files" in steps) == (stopped_at == "files")  # what was placed is not placed again
    assert (root / "huggingface/repos/o/m/README.md").read_bytes() == b"# Model\n"
    assert not list(root.glob(".import~work"))


def test_nothing_of_a_package_is_run(tmp_path: Path, files: Files) -> None:
    ran = tmp_path / "ran"
    program = f"#!/bin/sh\ntouch {ran}\n".encode()
    files[f"{CLONE}/.git/hooks/post-checkout"] = files[f"{CLONE}/.git/hooks/pre-commit"] = program
    files[f"{CLONE}/.git/config"] = f"[core]\nfsmonitor = touch {ran}\nsshCommand = touch {ran}\n".encode()
    files[f"{CLONE}/.git/objects/info/alternates"] = b"/etc\n"
    files[f"{CLONE}/.git/commondir"] = b"/etc\n"
    _, hub = imported(tmp_path, files)
    clone = hub / "repos" / "o" / "m"
    subprocess.run(["git", "status"], cwd=clone, check=True, capture_output=True)
    assert not ran.exists()
    configuration = (clone / ".git" / "config").read_text()
    assert ("touch" in configuration, URL in configuration) == (False, True)
    assert sorted(path.name for path in (clone / ".git").iterdir()) == [
        *("HEAD", "config", "index", "objects", "ptmtorrent-files.jsonl", "ptmtorrent.json", "refs")
    ]


def test_an_index_that_names_files_of_git_is_not_used(tmp_path: Path, files: Files) -> None:
    files[f"{CLONE}/.git/index"] = files[f"{CLONE}/.git/index"].replace(b"README.md", b".git/evil")
    _, hub = imported(tmp_path, files)
    assert not (hub / "repos/o/m/.git/evil").exists()
    listed = subprocess.run(["git", "ls-files"], cwd=hub / "repos/o/m", check=True, capture_output=True, text=True)
    assert listed.stdout == "README.md\n"


def leave(files: Files) -> None:
    files["data/../../outside"] = b""


def hub_of_work(files: Files) -> None:
    files["data/.x~lock/json/x.json"] = b"[]"


def traversal(files: Files) -> None:
    files[f"{CLONE}/.git/HEAD"] = b"ref: refs/../../../../../../../../etc/hostname\n"


def other_commit(files: Files) -> None:
    line = json.loads(files[f"{HUB}/repositories.jsonl"])
    files[f"{HUB}/repositories.jsonl"] = json.dumps({**line, "commit": "0" * 40}).encode()


def other_folder(files: Files) -> None:
    line = json.loads(files[f"{HUB}/repositories.jsonl"])
    files[f"{HUB}/repositories.jsonl"] = json.dumps({**line, "path": "repos/../../etc"}).encode()


def program_as_url(files: Files) -> None:
    line = json.loads(files[f"{HUB}/repositories.jsonl"])
    files[f"{HUB}/repositories.jsonl"] = json.dumps({**line, "url": "ext::sh -c touch"}).encode()


def unfinished(files: Files) -> None:
    files[f"{CLONE}/.git/ptmtorrent.json"] = b"{}"


def odd_state(files: Files) -> None:
    files[f"{CLONE}/.git/ptmtorrent.json"] = json.dumps({**STATE, "lfs": "--all"}).encode()


def damaged_objects(files: Files) -> None:
    for path in files:
        if "/objects/" in path:
            files[path] = b"nothing"


@pytest.mark.parametrize(
    "attack",
    [
        leave,
        hub_of_work,
        traversal,
        other_commit,
        other_folder,
        program_as_url,
        unfinished,
        odd_state,
        damaged_objects,
    ],
)
def test_a_hostile_package_makes_no_tree(tmp_path: Path, files: Files, attack: Callable[[Files], None]) -> None:
    attack(files)
    with pytest.raises((BagError, GitError)):
        imported(tmp_path, files)
    assert not (tmp_path / "data" / "huggingface").exists()
    assert not list((tmp_path / "data").glob("*/json"))


def test_a_link_in_a_package_is_not_followed(tmp_path: Path, files: Files) -> None:
    git = command(CloneRequest(url="", path="", store="", scope="tests of imports"))
    package = write_package(tmp_path / "package", files)
    file = package / HUB / "huggingface.json"
    file.rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", file)
    with pytest.raises(OSError, match="symbolic links"):
        Importing(package, tmp_path / "data", git=lambda hub: git, workers=2).run()


def test_another_version_of_bagit(tmp_path: Path, files: Files) -> None:
    package = write_package(tmp_path / "package", files)
    (package / "bagit.txt").write_bytes(b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n")
    git = command(CloneRequest(url="", path="", store="", scope="tests of imports"))
    with pytest.raises(CannotStart, match=r"BagIt '2\.0'"):
        Importing(package, tmp_path / "data", git=lambda hub: git, workers=2).run()


def test_a_disk_without_space(tmp_path: Path, files: Files) -> None:
    files["data/volumes/index.jsonl"] = b"no JSON\n" + json.dumps({"commit": "0" * 40, "size": 1000}).encode() + b"\n"
    package = write_package(tmp_path / "package", files)
    git = command(CloneRequest(url="", path="", store="", scope="tests of imports"))
    with pytest.raises(CannotStart, match=r"has room for 0 B, the import needs about 1.0 kB; name a folder"):
        Importing(package, tmp_path / "data", git=lambda hub: git, workers=2, min_free=1 << 60).run()
    assert list((tmp_path / "data").iterdir()) == []
