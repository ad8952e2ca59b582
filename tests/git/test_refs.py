"""An updated clone has the branches, tags and HEAD of a new one."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.clone import clone, head_commit
from tests import hubs as content
from tests.conftest import RequestFor, git
from tests.hubs import Hubs
from tests.hubs.server import Served


def on_server(served: Served, *arguments: str, stdin: str = "") -> str:
    """Run git in the repository on the server."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=served.folder, input=stdin, capture_output=True, text=True, check=True).stdout


def refs(clone: Path) -> set[str]:
    """Return the references of a clone with their objects, except rewritten ones."""
    listed = git(clone, "for-each-ref", "--format=%(objectname) %(refname) %(symref)").splitlines()
    return {line for line in listed if "refs/rewritten/" not in line}


def assert_like_a_fresh_clone(request_for: RequestFor, folder: Path) -> None:
    """Check that the clone equals a new clone."""
    fresh = clone(request_for(path=str(folder / "fresh" / "m")))
    now, other = folder / "repos" / "o" / "m", folder / "fresh" / "m"
    assert fresh.status == "cloned"
    assert refs(now) == refs(other)
    assert (now / ".git" / "HEAD").read_text() == (other / ".git" / "HEAD").read_text()
    assert git(now, "status", "--porcelain") == git(now, "fsck", "--no-dangling") == ""


def test_branches_and_tags_that_move_while_head_does_not(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}, {"a": b"2"}]))
    first = on_server(served, "rev-parse", "main~").strip()
    for arguments in (("branch", "old", first), ("branch", "gone", first), ("tag", "v1", first), ("tag", "w", first)):
        on_server(served, *arguments)
    assert clone(request_for(commit=served.head)).status == "cloned"
    git(folder / "repos" / "o" / "m", "tag", "mine")
    for change in (
        ("branch", "-f", "old", "main"),
        ("branch", "-D", "gone"),
        ("branch", "new/one", "main"),
        ("tag", "-f", "v1", "main"),
        ("tag", "-d", "w"),
    ):
        on_server(served, *change)
    hubs.requests.clear()
    assert clone(request_for(commit=served.head, refresh=3600)).status == "current"
    assert not hubs.requests
    assert clone(request_for(commit=served.head, refresh=0)).status == "updated"
    now = folder / "repos" / "o" / "m"
    kept = git(now, "for-each-ref", "--format=%(objectname) %(refname)", "refs/rewritten").split()
    assert kept[0::2] == [first, first]
    assert [name.rpartition("/")[2] for name in kept[1::2]] == ["v1", "w"]
    assert git(now, "tag", "--list") == "mine\nv1\n"
    git(now, "tag", "--delete", "mine")
    assert_like_a_fresh_clone(request_for, folder)
    hubs.requests.clear()
    assert clone(request_for(commit=served.head, refresh=0)).status == "current"
    assert len(hubs.asked("/git-upload-pack$")) == 1  # it lists the references, and nothing is fetched


def test_a_default_branch_renamed_to_one_inside_it(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    clone(request_for())
    for name in ("main/v2", "main", "other"):
        on_server(served, "branch", "-m", "moved")
        on_server(served, "branch", "-m", name)
        outcome = clone(request_for(commit=served.head, refresh=0))
        assert (outcome.status, outcome.branch, outcome.commit) == ("updated", name, served.head)
        assert_like_a_fresh_clone(request_for, folder)
        shutil.rmtree(folder / "fresh")


@pytest.mark.parametrize("branches", [("develop",), ("develop", "older")])
@pytest.mark.parametrize("exists", [False, True])
def test_a_head_that_names_no_branch(
    hubs: Hubs, request_for: RequestFor, folder: Path, branches: tuple[str, ...], exists: bool
) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}, {"a": b"2"}], branch="develop"))
    on_server(served, "branch", "unused", "develop~")
    if exists:
        assert clone(request_for()).commit == served.head
        served.push({"a": b"3"})
    if len(branches) == 1:
        on_server(served, "branch", "-D", "unused")
    on_server(served, "symbolic-ref", "HEAD", "refs/heads/absent")
    assert head_commit(request_for()) == (served.head, {})
    outcome = clone(request_for())
    assert (outcome.status, outcome.branch) == ("updated" if exists else "cloned", "develop")
    assert outcome.commit == served.head
    assert clone(request_for(refresh=0)).status == "current"
    assert sorted(path.name for path in (folder / "repos" / "o").iterdir()) == ["m"]


def test_a_hub_that_names_a_commit_of_no_branch(hubs: Hubs, request_for: RequestFor) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}, {"a": b"2"}], branch="x"))
    first = on_server(served, "rev-parse", "x~").strip()
    on_server(served, "branch", "y")
    on_server(served, "symbolic-ref", "HEAD", "refs/heads/absent")
    outcome = clone(request_for(commit=first))
    assert (outcome.status, outcome.branch, outcome.commit) == ("cloned", None, first)
    assert clone(request_for(commit=first)).status == "current"


def test_a_commit_that_only_the_hub_names(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    for arguments in (("update-ref", "refs/pr/1", "main"), ("update-ref", "-d", "refs/heads/main")):
        on_server(served, *arguments)
    assert clone(request_for()).status == clone(request_for(commit="1" * 40)).status == "empty"
    outcome = clone(request_for(commit=served.head))
    assert (outcome.status, outcome.commit, outcome.branch) == ("cloned", served.head, None)
    assert (folder / "repos" / "o" / "m" / "a").read_bytes() == b"1"
    assert clone(request_for(commit=served.head, refresh=0)).status == "current"


def test_what_a_killed_fetch_has_overwritten_is_kept(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    before = clone(request_for()).commit
    served.push({"b": b"2"}, parent=False)
    inner = folder / "repos" / "o" / "m" / ".git"
    # As if a fetch had been killed after it moved the branch, and another one after that
    (inner / "ptmtorrent-refs").write_text(f"{before} refs/remotes/origin/main\n{before} refs/remotes/origin/main/x\n")
    assert clone(request_for(commit=served.head)).status == "updated"
    kept = git(inner.parent, "for-each-ref", "--format=%(objectname) %(refname)", "refs/rewritten").split()
    assert kept[0] == before
    assert sorted(name.partition("Z")[2] for name in kept[1::2]) == ["-1/main/x", "/main"]
    assert not (inner / "ptmtorrent-refs").exists()


def test_one_branch_of_many_that_moves(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    lines = "".join(f"{served.head} refs/heads/b{number}\n" for number in range(3000))
    (served.folder / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted\n{lines}")
    clone(request_for())
    served.push({"a": b"2"})
    assert clone(request_for(commit=served.head)).status == "updated"
    remote = folder / "repos" / "o" / "m" / ".git" / "refs" / "remotes" / "origin"
    assert sorted(path.name for path in remote.iterdir()) == ["HEAD", "main"]
    lines = "".join(f"{served.head} refs/heads/c{number}\n" for number in range(3000))
    (served.folder / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted\n{lines}")
    assert clone(request_for(commit=served.head, refresh=0)).status == "updated"
    assert sorted(path.name for path in remote.iterdir()) == ["HEAD"]
    on_server(served, "tag", "v1", "main")
    assert clone(request_for(commit=served.head, refresh=0)).status == "updated"


def test_many_branches_and_tags_that_are_rewritten(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    first = served.head
    names = [f"refs/heads/{number // 100}/{number}" for number in range(300)]
    names += [f"refs/tags/v{number}" for number in range(300)]
    for moment in range(2):
        on_server(served, "update-ref", "--stdin", stdin="".join(f"update {name} {served.head}\n" for name in names))
        if moment == 0:
            clone(request_for(commit=served.head))
            served.push({"a": b"2"}, parent=False)
            names[0], names[1] = "refs/heads/0", "refs/heads/gone/1"  # in place of a folder of branches
            on_server(served, "update-ref", "--stdin", stdin="".join(f"delete refs/heads/0/{n}\n" for n in range(100)))
            names[2:100] = []
    assert clone(request_for(commit=served.head, refresh=0)).status == "updated"
    now = folder / "repos" / "o" / "m"
    kept = git(now, "for-each-ref", "--format=%(objectname) %(refname)", "refs/rewritten").split()
    assert set(kept[0::2]) == {first}
    assert len(kept[1::2]) == 300 + 300 + 1  # branches, tags and main
    assert_like_a_fresh_clone(request_for, folder)
    assert clone(request_for(commit=served.head, refresh=0)).status == "current"


def test_a_folder_belongs_to_one_repository(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    one, other = (hubs.serve(name, content.Repository([{"a": name.encode()}])) for name in ("one", "o/other"))
    here = {"path": str(folder / "repos" / "o" / "m")}
    assert clone(request_for("one", commit=one.head, **here)).status == "cloned"
    outcome = clone(request_for("o/other", commit=other.head, **here))
    assert (outcome.status, outcome.error) == ("refused", f"its folder holds another repository, {hubs.url}/one")
    assert clone(request_for("one", commit=one.head, **here)).status == "current"
    moved = {"path": str(folder / "repos" / "o" / "n"), "previous_path": here["path"]}
    assert clone(request_for("one", commit=one.head, **moved)).status == "current"


def test_a_server_that_moves_to_another_url(hubs: Hubs, request_for: RequestFor, folder: Path) -> None:
    served = hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    clone(request_for(commit=served.head))
    mirror = request_for(commit=served.head).url.replace("127.0.0.1", "localhost")
    assert clone(replace(request_for(commit=served.head), url=mirror)).status == "current"
    assert git(folder / "repos" / "o" / "m", "remote", "get-url", "origin") == f"{mirror}\n"
