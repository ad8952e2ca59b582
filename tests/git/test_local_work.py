"""An update does not lose a user's work in a clone."""

import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.damaged_clone import DamagedClone
from ptmtorrent_scrapy.git.local import memory, write_state
from ptmtorrent_scrapy.git.models import ChangedFiles, CloneRequest, FailureKind
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.clones import Clones
from ptmtorrent_scrapy.verification.finding import Finding
from ptmtorrent_scrapy.verification.repair import Repair
from ptmtorrent_scrapy.verification.verifier import Verification
from tests import hubs as content
from tests.conftest import git
from tests.hubs import Hubs, Large
from tests.hubs.server import Served

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
FILES: dict[str, Any] = {".gitattributes": ATTRIBUTES, "README.md": b"# 1\n", "d/w.bin": Large(b"weights " * 500)}
Update = Callable[..., Any]


@pytest.fixture
def served(hubs: Hubs) -> Served:
    return hubs.serve("o/m", content.Repository([FILES]))


@pytest.fixture
def update(hubs: Hubs, folder: Path, served: Served) -> Update:
    """Update the clone of `served` to its last commit."""

    def to_last(**options: Any) -> Any:
        path, store = str(folder / "repos" / "o" / "m"), str(folder / "lfs")
        given = {"commit": served.head, "protocols": ("http",), **options}
        return clone(CloneRequest(url=f"{hubs.url}/o/m", path=path, store=store, **given))

    return to_last


@pytest.fixture
def mine(folder: Path, update: Update) -> Path:
    """Return a clone in which a user works."""
    assert update().status == "cloned"
    clone = folder / "repos" / "o" / "m"
    git(clone, "config", "user.name", "A user")
    git(clone, "config", "user.email", "user@example.org")
    return clone


def head(mine: Path, name: str = "HEAD") -> str:
    return git(mine, "rev-parse", name).strip()


def verified(mine: Path, **line: Any) -> list[tuple[str, bool]]:
    """Return the findings of verify for a clone with this line: kinds, and whether they are faults."""
    hub = mine.parent.parent.parent
    tree = DataTree(hub.parent, hub.name)
    request = CloneRequest(url="", path=str(mine), store=str(tree.store))
    found, _ = Clones(tree, request).check("o/m", {"url": git(mine, "remote", "get-url", "origin").strip(), **line})
    return [(each.kind, each.is_fault) for each in found]


def test_commits_of_a_user_are_kept(served: Served, update: Update, mine: Path) -> None:
    assert verified(mine, commit=served.head) == []
    (mine / "mine.txt").write_text("my work")
    assert verified(mine, commit=served.head) == [("local changes", False)]
    git(mine, "add", "mine.txt")
    git(mine, "commit", "-m", "mine")
    assert verified(mine, commit=served.head) == [("local changes", False)]
    commit = git(mine, "rev-parse", "HEAD").strip()
    served.push({**FILES, "README.md": b"# 2\n"})
    outcome = update()
    assert (outcome.status, outcome.commit, outcome.failure) == ("updated", served.head, None)
    kept = git(mine, "for-each-ref", "--format=%(objectname) %(refname)", "refs/local").split()
    assert kept[0] == commit
    assert kept[1] in str(outcome.error)
    assert git(mine, "status", "--porcelain") == ""
    assert update().error is None


def test_a_branch_of_a_user_stays(served: Served, update: Update, mine: Path) -> None:
    git(mine, "checkout", "-b", "experiment")
    git(mine, "commit", "--allow-empty", "-m", "mine")
    commit = git(mine, "rev-parse", "HEAD")
    served.push({**FILES, "README.md": b"# 2\n"})
    assert (update().status, git(mine, "branch", "--show-current")) == ("updated", "main\n")
    assert git(mine, "rev-parse", "experiment") == commit
    assert git(mine, "for-each-ref", "refs/local") == ""


def edit(mine: Path) -> None:
    (mine / "README.md").write_text("my edit")


def stage(mine: Path) -> None:
    edit(mine)
    git(mine, "add", "README.md")


def write_what_upstream_adds(mine: Path) -> None:
    (mine / "notes.txt").write_text("my notes")


def write_below_what_upstream_adds(mine: Path) -> None:
    (mine / "notes.txt").mkdir()
    (mine / "notes.txt" / "a").write_text("my notes")


def change_an_lfs_file(mine: Path) -> None:
    (mine / "d" / "w.bin").unlink()
    (mine / "d" / "w.bin").write_text("my weights")


@pytest.mark.parametrize(
    ("work", "path"),
    [
        (edit, "README.md"),
        (stage, "README.md"),
        (write_what_upstream_adds, "notes.txt"),
        (write_below_what_upstream_adds, "notes.txt/a"),
        (change_an_lfs_file, "d/w.bin"),
    ],
)
def test_changed_files_block_an_update(
    served: Served, update: Update, mine: Path, work: Callable[[Path], None], path: str
) -> None:
    work(mine)
    before, content_before = git(mine, "rev-parse", "HEAD"), (mine / path).read_bytes()
    served.push({**FILES, "README.md": b"# 2\n", "notes.txt": b"theirs"})
    outcome = update()
    assert (outcome.status, outcome.failure) == ("failed", FailureKind.LOCAL_CHANGES)
    assert f"local changes: {path}" in str(outcome.error)
    assert (git(mine, "rev-parse", "HEAD"), (mine / path).read_bytes()) == (before, content_before)
    assert git(mine, "rev-parse", "origin/main").strip() == served.head
    found = verified(mine, commit=before.strip(), error=outcome.error)
    assert found == [("local changes", False)]
    repaired = update(changed_files=ChangedFiles.REPLACE)
    assert (repaired.status, git(mine, "status", "--porcelain")) == ("updated", "")
    kept = git(mine, "for-each-ref", "--format=%(refname)", "refs/local").split()
    assert [git(mine, "show", f"{name}:{path}").encode() for name in kept] == [content_before] * ("d/" not in path)
    assert all(f"changed files were kept as {name}" == repaired.error for name in kept)


def test_unchanged_and_unrelated_files_block_no_update(served: Served, update: Update, mine: Path) -> None:
    (mine / "README.md").unlink()
    (mine / "notes.txt").write_bytes(b"theirs")  # as upstream has it
    (mine / "other.txt").write_text("my own")
    os.utime(mine / ".gitattributes")
    (mine / "d" / "w.bin").unlink()
    (mine / "d" / "w.bin").write_bytes(b"weights " * 500)
    served.push({**FILES, "README.md": b"# 2\n", "notes.txt": b"theirs"})
    assert update().status == "updated"
    assert (mine / "other.txt").read_text() == "my own"
    assert git(mine, "status", "--porcelain") == "?? other.txt\n"


def test_a_folder_that_becomes_a_file_and_back(served: Served, update: Update, mine: Path) -> None:
    served.push({".gitattributes": ATTRIBUTES, "d": b"a file"})
    assert update().status == "updated"
    served.push(FILES)
    assert update().status == "updated"
    assert git(mine, "status", "--porcelain") == ""


def test_what_a_killed_checkout_has_written_is_no_work(served: Served, update: Update, mine: Path) -> None:
    served.push({**FILES, "README.md": b"# A longer text\n", "new.txt": b"all of it"})
    write_state(mine, {**memory(mine), "updating": served.head})
    (mine / "README.md").write_bytes(b"# A lon")
    (mine / "new.txt").write_bytes(b"all\0\0\0\0\0\0")
    assert update().status == "updated"
    assert git(mine, "status", "--porcelain") == ""
    assert "updating" not in memory(mine)


def test_files_that_git_itself_takes_for_changed(hubs: Hubs, folder: Path, served: Served, update: Update) -> None:
    crlf = {".gitattributes": b"*.txt text eol=crlf\n", "a.txt": b"mixed\r\nends\n"}
    served.push(crlf)
    assert update().status == "cloned"
    mine = folder / "repos" / "o" / "m"
    os.utime(mine / "a.txt", (1, 1))
    assert "a.txt" in git(mine, "status", "--porcelain")
    served.push({**crlf, "b": b"new"})
    assert update().status == "updated"


def test_a_clone_of_another_user(served: Served, update: Update, mine: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give files away")
    subprocess.run(["chown", "-R", "1234:1234", mine.parent.parent.parent], check=True)
    served.push({**FILES, "README.md": b"# 2\n"})
    assert update().status == "updated"


def test_a_broken_clone_inside_another_repository(served: Served, update: Update, mine: Path, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "file").write_text("not ours")
    (mine / ".git" / "objects").rename(folder / "objects")
    served.push({**FILES, "README.md": b"# 2\n"})
    assert update().status == "failed"
    assert (folder / "file").read_text() == "not ours"


def repair(hubs: Hubs, mine: Path, commit: str) -> list[str]:
    """Let verify repair the clone, which must be at a commit; return its remarks."""
    hub = mine.parent.parent.parent
    tree = DataTree(hub.parent, hub.name)
    tree.repositories.parent.mkdir()
    line = {"url": f"{hubs.url}/o/m", "path": "repos/o/m", "status": "cloned", "commit": commit}
    tree.repositories.write_text(json.dumps(line) + "\n")
    request = CloneRequest(url="", path="", store=str(tree.store), protocols=("http",), trusted=(hubs.url,))
    verification = Verification(tree, request, (), workers=1, share=1, advance=lambda *_: None)
    found: list[Finding] = []
    verification.run(found.append)
    repair = Repair(tree, request, verification)
    assert not [each for each in repair.run([each for each in found if each.is_repairable]) if each.is_fault]
    return repair.remarks


def test_changed_files_stay_where_something_else_is_repaired(
    hubs: Hubs, served: Served, update: Update, mine: Path, folder: Path
) -> None:
    edit(mine)
    commit = head(mine)
    served.push({**FILES, "README.md": b"# 2\n"})
    assert update().failure == FailureKind.LOCAL_CHANGES
    for stored in (folder / "lfs" / "objects").rglob("*/*/*"):
        stored.unlink()
    (remark,) = repair(hubs, mine, commit)
    (kept,) = git(mine, "for-each-ref", "--format=%(refname)", "refs/local").split()
    assert f"changed files were left as they are, and kept as {kept}" in remark
    assert (mine / "README.md").read_text() == "my edit"
    assert (mine / "d" / "w.bin").stat().st_nlink > 1
    assert verified(mine, commit=commit) == [("local changes", False)]


@pytest.mark.parametrize("was_killed", [False, True])
def test_a_clone_that_is_made_again_has_the_work_of_its_user(hubs: Hubs, mine: Path, was_killed: bool) -> None:
    git(mine, "branch", "experiment")
    (mine / "mine.txt").write_text("committed")
    git(mine, "add", "mine.txt")
    git(mine, "commit", "-m", "mine")
    commit = head(mine)
    git(mine, "reset", "-q", "--hard", "HEAD~1")
    git(mine, "branch", "-f", "experiment", commit)
    edit(mine)
    write_below_what_upstream_adds(mine)
    for pack in (mine / ".git" / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-30])
    at = head(mine)
    if was_killed:
        mine.rename(mine.with_name(".m~damaged"))
    (remark,) = repair(hubs, mine, at)
    names = git(mine, "for-each-ref", "--format=%(refname)", "refs/local").split()
    experiment, changes = sorted(names, key=lambda name: name.rpartition("/")[2], reverse=True)
    assert (head(mine, experiment), git(mine, "show", f"{experiment}:mine.txt")) == (commit, "committed")
    assert (git(mine, "show", f"{changes}:README.md"), (mine / "README.md").read_text()) == ("my edit", "# 1\n")
    assert (mine / "notes.txt" / "a").read_text() == "my notes"
    assert remark.endswith(f"work in the damaged clone was kept as {experiment}, {changes}")
    assert [path.name for path in mine.parent.iterdir()] == ["m"]


def test_a_damaged_clone_whose_work_cannot_be_read_stays_under_a_free_name(
    hubs: Hubs, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(DamagedClone, "give", fail)
    mine.with_name("m.damaged").mkdir()  # a repository of the hub may have this name
    (mine / "notes.txt").write_text("my notes")
    at = head(mine)
    for pack in (mine / ".git" / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-30])
    (remark,) = repair(hubs, mine, at)
    assert "its damaged clone stays as m.damaged-2, since a user's work may be in it: " in remark
    assert (mine.with_name("m.damaged-2") / "notes.txt").read_text() == "my notes"
    assert list(mine.with_name("m.damaged").iterdir()) == []
