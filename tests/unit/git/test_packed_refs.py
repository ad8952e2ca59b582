"""Many references in one file, as git reads them."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git import packed_refs
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.errors import GitError
from tests.conftest import git

USER = ("-c", "user.name=a", "-c", "user.email=a@example.org")


@pytest.fixture
def command() -> Command:
    return Command(scope="", environment=environment(timeout=60), timeout=60)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    for number in range(2):
        git(tmp_path, *USER, "commit", "-q", "--allow-empty", "-m", str(number))
    git(tmp_path, *USER, "tag", "-a", "-m", "annotated", "v1")
    for name in ("refs/remotes/origin/gone", "refs/remotes/origin/moved", "refs/remotes/origin/a"):
        git(tmp_path, "update-ref", "--create-reflog", name, "HEAD~")
    return tmp_path


def listed(clone: Path) -> dict[str, str]:
    command = ["git", "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"]
    lines = os.fsdecode(subprocess.run(command, cwd=clone, capture_output=True, check=True).stdout).split("\n")[:-1]
    return {name: objects for name, _, objects in (line.partition(" ") for line in lines)}


def test_references_are_set_and_removed(clone: Path, command: Command) -> None:
    before, head = listed(clone), git(clone, "rev-parse", "HEAD").strip()
    changes: dict[str, str | None] = {
        "refs/remotes/origin/moved": head,
        "refs/remotes/origin/gone": None,
        "refs/remotes/origin/a": None,
        "refs/remotes/origin/a/b": head,
        "refs/tags/new": git(clone, "rev-parse", "v1").strip(),
        os.fsdecode(b"refs/remotes/origin/\xff"): head,
    }
    packed_refs.write(command, clone, changes)
    now = listed(clone)
    assert now.keys() == before.keys() - {"refs/remotes/origin/gone", "refs/remotes/origin/a"} | {
        *(name for name, oid in changes.items() if oid)
    }
    assert now["refs/tags/new"] == now["refs/tags/v1"] == before["refs/tags/v1"]
    assert now["refs/remotes/origin/moved"].strip() == head
    git(clone, "update-ref", "--create-reflog", "refs/remotes/origin/gone/inner", "HEAD")
    git(clone, "pack-refs", "--all")
    assert git(clone, "fsck") == ""


def test_all_or_none(clone: Path, command: Command) -> None:
    before, head = listed(clone), git(clone, "rev-parse", "HEAD").strip()
    with pytest.raises(GitError, match="refs/remotes/origin/a and refs/remotes/origin/a/b cannot exist beside"):
        packed_refs.write(command, clone, {"refs/remotes/origin/a/b": head, "refs/remotes/origin/moved": head})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    many = {f"refs/remotes/origin/many/{number}": head for number in range(1000)}
    git(clone, "pack-refs", "--all")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            packed_refs.write(command, clone, many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert listed(clone) == before
    assert not list((clone / ".git").glob("*.lock"))
