"""Repositories that are deep, wide or old."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.models import CloneRequest
from tests import hubs as content
from tests.conftest import git
from tests.hubs import Hubs
from tests.hubs import content as made
from tests.hubs.content import Objects, Repository


class Deep(Repository):
    """A repository with one file below many folders."""

    levels = 1500

    def objects(self) -> tuple[str | None, Objects]:
        objects: Objects = {}
        tree = made.tree({"a": b"1"}, objects, {})
        for _ in range(self.levels):
            tree = made.folder({"x": tree}, objects)
        return made.commit(tree, None, 1, objects), objects


@pytest.fixture
def request_of(hubs: Hubs, folder: Path) -> CloneRequest:
    path, store = str(folder / "repos" / "o" / "m"), str(folder / "lfs")
    return CloneRequest(url=f"{hubs.url}/o/m", path=path, store=store, protocols=("http",), timeout=60)


def test_a_deep_repository_is_refused_and_leaves_nothing(hubs: Hubs, request_of: CloneRequest, folder: Path) -> None:
    hubs.serve("o/m", Deep())
    for _ in range(2):
        outcome = clone(request_of)
        assert (outcome.status, outcome.failure, outcome.path) == ("refused", None, None)
        assert "levels deep" in str(outcome.error)
        assert list((folder / "repos" / "o").iterdir()) == []


def test_a_long_path_is_refused(hubs: Hubs, request_of: CloneRequest) -> None:
    hubs.serve("o/m", content.Repository([{"/".join(["y" * 200] * 12): b"1"}]))
    assert "a path of more than" in str(clone(request_of).error)


def test_an_update_that_becomes_deep_keeps_the_clone(hubs: Hubs, request_of: CloneRequest) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    before = clone(request_of)
    served.push({"/".join(["x"] * 300): b"1"})
    outcome = clone(request_of)
    assert (outcome.status, outcome.path, outcome.commit) == ("refused", before.path, before.commit)
    served.push({"a": b"3"})
    assert clone(request_of).status == "updated"


def on_server(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    return subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True).stdout.decode()


def twice(blob: bytes) -> bytes:
    return (b"100644 a\0" + blob) * 2


def unsorted(blob: bytes) -> bytes:
    return b"100644 b\0" + blob + b"100644 a\0" + blob


@pytest.mark.parametrize("tree", [twice, unsorted])
def test_trees_of_old_tools_in_the_history(
    hubs: Hubs, request_of: CloneRequest, tree: Callable[[bytes], bytes]
) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    literally = ("hash-object", "-w", "--literally", "--stdin", "-t")
    blob = bytes.fromhex(on_server(served.folder, *literally, "blob", stdin=b"x").strip())
    old = on_server(served.folder, *literally, "tree", stdin=tree(blob)).strip()
    body = f"tree {old}\nauthor a <a@e>99999999999999999999 x\ncommitter a<b> <a@e> 1 +0000\n\nold\n"
    first = on_server(served.folder, *literally, "commit", stdin=body.encode()).strip()
    now = on_server(served.folder, "rev-parse", f"{served.head}^{{tree}}").strip()
    body = f"tree {now}\nparent {first}\nauthor a <a@e> 1 +0000\ncommitter a <a@e> 1 +0000\n\nnew\n"
    head = on_server(served.folder, *literally, "commit", stdin=body.encode()).strip()
    on_server(served.folder, "update-ref", "refs/heads/main", head)
    outcome = clone(request_of)
    assert (outcome.status, outcome.commit, outcome.error) == ("cloned", head, None)
    ours = Command(scope="", environment=environment(timeout=60), timeout=60)
    ours.run("git", "fsck", "--no-dangling", "--no-progress", cwd=Path(request_of.path))


def test_a_submodule_with_an_option_for_a_url_is_refused(hubs: Hubs, request_of: CloneRequest) -> None:
    modules = b'[submodule "a"]\n\tpath = a\n\turl = -u./x\n'
    hubs.serve("o/m", content.Repository([{".gitmodules": modules}]))
    assert clone(request_of).status == "refused"


def test_a_bare_repository_inside_a_clone_is_none_for_our_git(
    hubs: Hubs, request_of: CloneRequest, folder: Path
) -> None:
    config = f"[core]\n\tbare = false\n\tfsmonitor = touch {folder}/OWNED\n".encode()
    files = {"HEAD": b"ref: refs/heads/main\n", "config": config, "objects/x": b"", "refs/heads/x": b""}
    served = hubs.serve(
        "o/m", content.Repository([{**files, **{f"inner/{name}": body for name, body in files.items()}}])
    )
    assert clone(request_of).status == "cloned"
    served.push({**files, "new": b"1"})
    assert clone(replace(request_of, refresh=0)).status == "updated"
    ours = Command(scope="", environment=environment(timeout=60), timeout=60)
    ours.run("git", "status", cwd=Path(request_of.path))
    assert git(Path(request_of.path), "status", "--porcelain") == ""
    assert not (folder / "OWNED").exists()
