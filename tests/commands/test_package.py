"""A tree becomes a package that public tools accept, and a package becomes a tree again."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bagit
import pytest

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.git import process, tree_files
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.git.remote import command as git_command
from ptmtorrent_scrapy.publication.bag import BagError, CannotStart, DamagedFile
from ptmtorrent_scrapy.publication.checking import Checking
from ptmtorrent_scrapy.publication.completing import Completing
from ptmtorrent_scrapy.publication.download import Downloader
from ptmtorrent_scrapy.publication.extraction import LocalVolumes, extract
from ptmtorrent_scrapy.publication.importing import Importing
from ptmtorrent_scrapy.publication.options import HubSource, PackageOptions
from ptmtorrent_scrapy.publication.packaging import Packaging
from ptmtorrent_scrapy.spiders.huggingface import HuggingFaceSpider
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.finding import Finding
from ptmtorrent_scrapy.verification.verifier import Verification
from tests import processes
from tests.conftest import ROOT, command, git
from tests.hubs import Executable, Files, Hubs, Large, Repository, Submodule, Symlink

# bagit calls `re.sub` in a way that Python 3.13 warns about
pytestmark = pytest.mark.filterwarnings("ignore:'count' is passed as positional:DeprecationWarning")

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
WEIGHTS = Large(bytes(range(256)) * 4000)
OTHERS = [Large(hashlib.sha256(bytes([number])).digest() * 30_000) for number in range(4)]
ODD: Files = {
    "100%.txt": b"per cent",
    "end ": b"a space at the end",
    "line\nend.txt": b"a line end",
    "cafe\u0301.txt": b"not in the composed form",
    "back\\slash": b"a backslash",
    "link": Symlink(b"README.md"),
    "run.sh": Executable(b"#!/bin/sh\n"),
    "deep/er/file.txt": b"deep",
    "module": Submodule("1" * 40),
}


def repositories() -> dict[str, tuple[Repository, dict[str, Any]]]:
    """Return repositories by name, and the hub's objects."""
    plain = {".gitattributes": ATTRIBUTES, "README.md": b"# Model\n"}
    mit, gated = {"cardData": {"license": "mit"}, "tags": ["license:mit"]}, {"gated": "auto"}
    return {
        "o/one": (Repository([plain, {**plain, "w.bin": WEIGHTS}]), mit),
        "o/two": (Repository([{**plain, "again.bin": WEIGHTS, "x.bin": OTHERS[0], "sub/y.bin": OTHERS[1]}]), {}),
        "o/odd": (Repository([{**plain, **ODD}]), mit),
        "o/gated": (Repository([{**plain, "secret.bin": OTHERS[2]}]), gated),
        "gpt2": (Repository([{**plain, "z.bin": OTHERS[3]}]), mit),
    }


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Yield a folder in memory if possible."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as path:
        yield Path(path)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Hubs]:
    """Yield a stand-in that serves the repositories."""
    with Hubs(models=0, troubles=False) as hubs:
        listed = []
        for name, (repository, told) in repositories().items():
            listed.append({"id": name, "sha": hubs.serve(name, repository).head, **told})
        hubs.huggingface.models = listed
        yield hubs


class Tree:
    """A crawled data tree: runs commands on it, and the library functions that they use."""

    def __init__(self, hubs: Hubs, folder: Path) -> None:
        self.hubs = hubs
        self.folder = folder
        self.root = folder / "data"

    def line(self, name: str, *words: object, **settings: object) -> list[str]:
        """Return a command line."""
        given = command(self.hubs, self.folder, "HUB", **settings)
        at = given.index("crawl")
        return [*given[:at], name, *map(str, words), *given[at + 2 :]]

    def run(self, name: str, *words: object, **settings: object) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        line = self.line(name, *words, **settings)
        return processes.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    def package(self, name: str, **options: Any) -> Path:
        """Make a package with the library, and return its folder."""
        asked = PackageOptions(output=self.folder / name, **options)
        source = HubSource(
            name="huggingface", title="Hugging Face", url=self.hubs.url, git=GIT, file_url=HuggingFaceSpider.file_url
        )
        hubs = [(hub, source) for hub in Catalog(self.root).hubs(["huggingface"])]
        Packaging(self.root, hubs, asked).write()
        return asked.output

    def imported(self, package: Path, name: str) -> Path:
        """Import a package, check that the tree has no faults, and return the folder of the hub."""
        root = self.folder / name
        Importing(package, root, git=lambda hub: GIT, workers=2).run()
        assert faults(root) == []
        return root / "huggingface"


GIT = git_command(CloneRequest(url="", path="", store="", scope="tests of packages"))


def faults(root: Path) -> list[Finding]:
    """Return the faults that verify finds in a tree."""
    found: list[Finding] = []
    tree = DataTree(root, "huggingface")
    request = CloneRequest(url="", path="", store=str(tree.store), scope="tests of packages")
    pages = ["json/metadata/hf_metadata.json"]
    Verification(tree, request, pages, workers=2, share=1, advance=lambda *_: None).run(found.append)
    return [finding for finding in found if finding.is_fault]


@pytest.fixture(scope="module")
def tree(hubs: Hubs, folder: Path) -> Iterator[Tree]:
    """Yield a crawled tree with an export."""
    tree = Tree(hubs, folder)
    ended = tree.run("crawl", "huggingface", "-a", "fraction=1")
    assert ended.returncode == 0, ended
    write_file_list(tree.root)
    (tree.root / "exports").mkdir()
    (tree.root / "exports" / "ptmtorrent.sqlite").write_bytes(b"a database")
    yield tree
    process.close_watchdog()


def write_file_list(root: Path) -> None:
    """Write json/files.jsonl from the lists of the clones."""
    hub = root / "huggingface"
    clones = [line for line in lines(hub / "json" / "repositories.jsonl") if line["path"]]
    with (hub / "json" / "files.jsonl").open("wb") as file:
        for line in clones:
            file.writelines(tree_files.read(hub / line["path"], line["url"]))


def states(root: Path) -> dict[str, str]:
    """Return whether large files are stored, by their names, as files.jsonl says."""
    return {line["path"]: line["state"] for line in lines(root / "huggingface/json/files.jsonl") if "state" in line}


@pytest.fixture(scope="module")
def package(tree: Tree) -> Path:
    """Return a package with everything except gated models."""
    ended = tree.run("package", "-o", tree.folder / "bag", "--title", "Models", "--creator", "Doe, Jane")
    assert ended.returncode == 0, ended
    return tree.folder / "bag"


@pytest.fixture(scope="module")
def volumes(tree: Tree) -> Path:
    """Return the same package in volumes."""
    return tree.package("volumes", volume_size=1_000_000)


def manifest(package: Path, name: str = "manifest-sha256.txt") -> dict[str, str]:
    """Return SHA-256 by path."""
    lines = (package / name).read_text().splitlines()
    return {path: sha256 for sha256, _, path in (line.partition("  ") for line in lines)}


def contents(folder: Path) -> dict[str, str]:
    """Return SHA-256 of all files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def object_path(large: Large, root: str = "data") -> str:
    return f"{root}/huggingface/lfs/objects/{large.oid[:2]}/{large.oid[2:4]}/{large.oid}"


def sums_are_right(folder: Path, *lists: str) -> bool:
    return all(
        subprocess.run(["sha256sum", "--check", "--strict", each], cwd=folder, stdout=-3).returncode == 0
        for each in lists
    )


def test_public_tools_accept_a_package(package: Path) -> None:
    bagit.Bag(str(package)).validate()
    assert sums_are_right(package, "manifest-sha256.txt", "tagmanifest-sha256.txt")
    crate = json.loads((package / "data" / "ro-crate-metadata.json").read_text())
    nodes = {node["@id"]: node for node in crate["@graph"]}
    assert nodes["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert all(
        (package / "data" / name).exists() for name, node in nodes.items() if node["@type"] in ("File", "Dataset")
    )
    crawls = [node for node in nodes.values() if node["@type"] == "CreateAction"]
    assert [node["result"] for node in crawls] == [{"@id": "huggingface/"}]
    assert "exports/ptmtorrent.sqlite" in nodes


def test_a_large_file_is_in_the_package_once_and_costs_no_disk(package: Path, folder: Path) -> None:
    listed = list(manifest(package).values())
    for large in (WEIGHTS, *OTHERS[:2], OTHERS[3]):
        assert listed.count(large.oid) == 1
        assert (package / object_path(large)).samefile(folder / object_path(large))
    assert (package / "data/huggingface/repos/o/one/w.bin").read_bytes() == WEIGHTS.as_pointer()


def test_git_lfs_finds_the_large_files_of_a_package(tree: Tree, package: Path) -> None:
    copied = tree.folder / "copied"
    shutil.copytree(package, copied)
    clone = copied / "data/huggingface/repos/o/one"
    assert git(clone, "status", "--short") == ""
    git(clone, "-c", "lfs.storage=../../../../lfs", "lfs", "checkout")
    assert (clone / "w.bin").read_bytes() == WEIGHTS.body


def test_a_package_says_nothing_of_the_machine(package: Path, folder: Path) -> None:
    paths = [path for path in package.rglob("*") if path.is_file()]
    assert not [path for path in paths if os.fsencode(folder) in path.read_bytes()]
    assert not [path for path in paths if {"hooks", "logs"} & set(path.parts)]
    assert not list(folder.glob(".bag~*"))


def test_an_imported_package_is_the_tree_that_was_packaged(tree: Tree, package: Path) -> None:
    root = tree.folder / "imported"
    assert tree.run("import", package, DATA_DIR=root).returncode == 0
    ended = tree.run("verify", "--json", DATA_DIR=root)
    assert (ended.returncode, ended.stdout) == (0, ""), ended
    hub, before = root / "huggingface", tree.root / "huggingface"
    assert (hub / "repos/o/one/w.bin").samefile(root.parent / object_path(WEIGHTS, root.name))
    for clone in sorted((hub / "repos").glob("*/*")):
        former = before / clone.relative_to(hub)
        assert git(clone, "status", "--short", "--ignored") == ""
        assert worktree(clone) == worktree(former)
        assert git(clone, "log", "--format=%H", "--all") == git(former, "log", "--format=%H", "--all")
    record = json.loads((hub / "json" / "huggingface.json").read_text())[0]
    assert record["ModelHub"]["MetadataFilePath"] == "imported/huggingface/json/metadata/hf_metadata.json"


def worktree(clone: Path) -> dict[str, str]:
    return {name: found for name, found in contents(clone).items() if not name.startswith(".git/")}


def test_a_gated_repository_is_packaged_only_when_it_is_named(tree: Tree, package: Path) -> None:
    assert OTHERS[2].oid not in (package / "manifest-sha256.txt").read_text()
    assert "o/gated" not in "".join(manifest(package))
    assert not [line for line in lines(package / "data/huggingface/json/repositories.jsonl") if "gated" in line["url"]]
    assert "huggingface,o/gated,,,,not stated,gated,no: gated," in (package / "licenses.csv").read_text()
    assert OTHERS[2].oid in manifest(tree.package("named", named=("o/gated",))).values()
    ended = tree.run("package", "-o", tree.folder / "unknown", "--include", "o/nothing")
    assert ended.returncode == 2
    assert "'o/nothing' is not a repository with a clone" in ended.stderr


def test_only_repositories_of_listed_licences(tree: Tree) -> None:
    package = tree.package("licensed", licenses=frozenset({"mit", "apache-2.0"}))
    packaged = [line["path"] for line in lines(package / "data/huggingface/json/repositories.jsonl")]
    assert sorted(packaged) == ["repos/huggingface.co/gpt2", "repos/o/odd", "repos/o/one"]
    assert OTHERS[0].oid not in (package / "manifest-sha256.txt").read_text()
    tree.imported(package, "licensed-tree")


def test_large_files_are_downloaded_later(tree: Tree, hubs: Hubs, package: Path) -> None:
    light = tree.package("light", without_weights=True)
    fetched = [line.split(" ", 2) for line in (light / "fetch.txt").read_text().splitlines()]
    assert sorted(path for *_, path in fetched) == sorted(map(object_path, (WEIGHTS, *OTHERS[:2], OTHERS[3])))
    head = hubs.repositories["o/one"].head
    assert [f"{hubs.url}/o/one/resolve/{head}/w.bin", str(len(WEIGHTS.body)), object_path(WEIGHTS)] in fetched
    checked = Checking(light, workers=2).run(lambda _: None, lambda *_: None)
    assert (checked.faults, checked.unfetched) == (0, 4)
    hub = tree.imported(light, "partial")
    assert states(hub.parent) == dict.fromkeys(("w.bin", "again.bin", "x.bin", "sub/y.bin", "z.bin"), "pointer")
    statuses = {line["path"]: line["status"] for line in lines(hub / "json/repositories.jsonl")}
    assert statuses == {
        "repos/o/one": "partial",
        "repos/o/two": "partial",
        "repos/o/odd": "cloned",
        "repos/huggingface.co/gpt2": "partial",
    }
    ended = tree.run("package", "--complete", light)
    assert (ended.returncode, ended.stdout) == (0, f"{light} is complete\n"), ended
    bagit.Bag(str(light)).validate()
    large = {name: found for name, found in manifest(package).items() if "/lfs/" in name}
    assert manifest(light).items() >= large.items()
    hub = tree.imported(light, "completed")
    assert set(states(hub.parent).values()) == {"stored"}


def test_volumes_without_weights(tree: Tree, hubs: Hubs) -> None:
    light = tree.package("light-volumes", without_weights=True, volume_size=1_000_000)
    assert sum(path.stat().st_size for path in (light / "data" / "volumes").glob("*.tar.zst")) < 100_000
    with closing(Downloader(agent="tests", timeout=60, trusted=[hubs.url])) as downloader:
        assert Completing(light, downloader, workers=2).run(pytest.fail, lambda *_: None) == 0
    bagit.Bag(str(light)).validate()
    tree.imported(light, "of-light-volumes")


def test_a_file_that_changed_on_the_hub_is_not_taken(tree: Tree, hubs: Hubs) -> None:
    light = tree.package("altered", without_weights=True)
    said: list[str] = []

    def complete(*trusted: str) -> int:
        with closing(Downloader(agent="tests", timeout=60, trusted=trusted)) as downloader:
            return Completing(light, downloader, workers=2).run(said.append, lambda *_: None)

    assert complete() == 4  # no request to this machine
    assert all("is on this machine or a private network" in line for line in said)
    said.clear()
    body = hubs.objects[WEIGHTS.oid]
    hubs.objects[WEIGHTS.oid] = b"X" + body[1:]
    try:
        assert complete(hubs.url) == 1
    finally:
        hubs.objects[WEIGHTS.oid] = body
    assert ["is not the file that the package lists" in line for line in said] == [True]
    assert not (light / object_path(WEIGHTS)).exists()


def test_a_download_continues(tree: Tree, hubs: Hubs) -> None:
    light = tree.package("cut", without_weights=True)
    part = light / object_path(WEIGHTS)
    part = part.with_name(f".{part.name}~part")
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHTS.body[:1000])
    hubs.requests.clear()
    with closing(Downloader(agent="tests", timeout=60, trusted=[hubs.url])) as downloader:
        assert Completing(light, downloader, workers=1).run(pytest.fail, lambda *_: None) == 0
    (asked,) = (each for each in hubs.asked("/o/one/resolve/.*") if each.status == 206)
    assert asked.headers["Range"] == "bytes=1000-"
    bagit.Bag(str(light)).validate()


def test_volumes_unpack_to_the_tree(tree: Tree, volumes: Path) -> None:
    bagit.Bag(str(volumes)).validate()
    unpacked = tree.folder / "unpacked"
    shutil.copytree(volumes, unpacked)
    archives = sorted((unpacked / "data" / "volumes").glob("*.tar.zst"))
    assert len(archives) > 1
    for archive in archives:
        subprocess.run(["tar", "--zstd", "-xf", archive], cwd=unpacked, check=True)
    assert sums_are_right(unpacked, *(str(path.with_suffix("").with_suffix(".sha256")) for path in archives))
    assert faults(unpacked / "data") == []
    assert (unpacked / "data/huggingface/repos/o/one/w.bin").samefile(unpacked / object_path(WEIGHTS))
    assert all(line["volume"] for line in lines(volumes / "data/volumes/index.jsonl"))
    hub = tree.imported(volumes, "of-volumes")
    assert worktree(hub / "repos/o/odd") == worktree(tree.root / "huggingface/repos/o/odd")


def test_one_model_is_one_range_of_a_volume(tree: Tree, volumes: Path) -> None:
    index = {line["path"]: line for line in lines(volumes / "data/volumes/index.jsonl")}
    part = index["data/huggingface/repos/huggingface.co/gpt2"]
    with (volumes / "data" / "volumes" / part["volume"]).open("rb") as file:
        file.seek(part["offset"])
        piece = file.read(part["length"])
    assert hashlib.sha256(piece).hexdigest() == part["sha256"]
    (tree.folder / "part").mkdir()
    subprocess.run(["tar", "--zstd", "-x"], cwd=tree.folder / "part", input=piece, check=True)
    assert (tree.folder / "part" / part["path"] / "z.bin").read_bytes() == OTHERS[3].body
    ended = tree.run("package", "--extract", "gpt2", tree.folder / "extracted", "-o", volumes)
    assert (ended.returncode, ended.stdout) == (0, f"{tree.folder / 'extracted' / part['path']}\n"), ended
    assert (tree.folder / "extracted" / part["path"] / "z.bin").read_bytes() == OTHERS[3].body
    two = extract(LocalVolumes(volumes), "o/two", tree.folder / "extracted", GIT)
    assert (two / "again.bin").read_bytes() == WEIGHTS.body  # which is in the part of o/one
    assert git(two, "fsck") == ""


def test_one_model_is_one_request_to_a_web_server(tree: Tree, volumes: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    class Ranges(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Range"]))
            body = (volumes / self.path.lstrip("/")).read_bytes()
            if self.headers["Range"]:
                first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
                body = body[first : last + 1]
            self.send_response(206 if self.headers["Range"] else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        ended = tree.run("package", "--extract", "gpt2", tree.folder / "remote", "-o", url)
        server.shutdown()
    assert ended.returncode == 0, ended
    assert (Path(ended.stdout.strip()) / "z.bin").read_bytes() == OTHERS[3].body
    assert [path for path, ranged in asked if ranged] == ["/data/volumes/huggingface-0001.tar.zst"]
    assert len(asked) == 2  # the index, and the model


def test_a_package_that_was_killed_continues_to_the_same_bytes(tree: Tree, volumes: Path) -> None:
    words = ("-o", tree.folder / "killed", "--volumes", "1MB", "--title", PackageOptions(output=Path()).title)
    process = processes.Popen(tree.line("package", *words, "-j", "1"), cwd=ROOT, stdout=-3, stderr=-3)
    work = tree.folder / ".killed~package" / "bag" / "data" / "volumes"
    while not list(work.glob("*huggingface-0002.tar.zst*")):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = (work / "huggingface-0001.tar.zst").stat()
    assert tree.run("package", *words).returncode == 0
    killed = tree.folder / "killed"
    assert contents(killed) == contents(volumes)
    assert (killed / "data/volumes/huggingface-0001.tar.zst").stat().st_mtime_ns == first.st_mtime_ns


def test_a_tree_with_faults_is_refused(tree: Tree) -> None:
    file = tree.root / "huggingface/repos/o/one/README.md"
    text = file.read_bytes()
    file.write_bytes(b"changed")
    try:
        ended = tree.run("package", "-o", tree.folder / "faulty")
        assert ended.returncode == 1
        assert "huggingface: worktree: repos/o/one/README.md" in ended.stderr
        assert not list(tree.folder.glob("*faulty*"))
        assert tree.run("package", "-o", tree.folder / "faulty", "--force").returncode == 0
    finally:
        file.write_bytes(text)
        git(file.parent, "update-index", "--refresh")


@pytest.mark.parametrize("options", [{}, {"volume_size": 1_000_000}])
def test_a_damaged_large_file_is_refused(tree: Tree, options: dict[str, Any]) -> None:
    stored = tree.folder / object_path(OTHERS[3])
    stored.chmod(0o644)
    stored.write_bytes(b"X" + OTHERS[3].body[1:])
    try:
        with pytest.raises(DamagedFile, match="run scrapy verify --repair"):
            tree.package("damaged", **options)
        assert not (tree.folder / "damaged").exists()
    finally:
        stored.write_bytes(OTHERS[3].body)
        stored.chmod(0o444)


def test_what_cannot_start(tree: Tree, package: Path) -> None:
    with pytest.raises(CannotStart, match="exists; remove it, or name another folder with -o"):
        tree.package(package.name)
    with pytest.raises(CannotStart, match=r"has room for 0 B, the package needs about .* name a larger disk"):
        tree.package("large", min_free=1 << 60)
    with pytest.raises(CannotStart, match="exists; remove it"):
        tree.imported(package, "data")
    with pytest.raises(CannotStart, match=r"is not a package: it has no bagit\.txt"):
        tree.imported(tree.root, "of-nothing")
    ended = tree.run("package", "-o", tree.folder / "x", "--volumes", "large")
    assert (ended.returncode, "a size such as 100MB" in ended.stderr) == (2, True)
    ended = tree.run("package", "-o", tree.folder / "x", "--only-licenses", tree.folder / "none.txt")
    assert (ended.returncode, "is a file; No such file or directory" in ended.stderr) == (2, True)
    ended = tree.run("package", "--extract", "gpt2", tree.folder / "x", "-o", "ftp://archive.example/package")
    assert (ended.returncode, "or its http or https URL" in ended.stderr) == (2, True)


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_a_damaged_package_is_found(tree: Tree, package: Path, damage: str) -> None:
    damaged = tree.folder / f"bag-{damage}"
    shutil.copytree(package, damaged)
    file = damaged / "data/huggingface/json/huggingface.json"
    if damage == "missing":
        file.unlink()
    else:
        (file if damage == "changed" else file.with_name("other.json")).write_bytes(b"[]")
    said: list[str] = []
    assert Checking(damaged, workers=2).run(said.append, lambda *_: None).faults == 1
    if damage == "added":
        assert said == ["data/huggingface/json/other.json: the manifest does not name it"]
        assert not (tree.imported(damaged, "without-other") / "json" / "other.json").exists()
    else:
        with pytest.raises(BagError, match="get the package again"):
            tree.imported(damaged, f"of-{damage}")
        assert not (tree.folder / f"of-{damage}" / "huggingface").exists()
