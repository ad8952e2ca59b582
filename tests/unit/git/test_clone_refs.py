"""The branches and tags of clones, read by GitPython and, where it cannot, by git."""

import os
import subprocess
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git import clone_refs
from ptmtorrent_scrapy.git.clone_refs import CloneRef
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from tests.conftest import git

GIT = Command(scope="test", environment=environment(timeout=60), timeout=60)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Make a clone with branches, packed and loose ones, and tags of all kinds."""
    upstream = tmp_path / "upstream"
    subprocess.run(["git", "init", "-q", "-b", "main", upstream], check=True)
    for key, value in (("user.name", "N"), ("user.email", "n@example.org")):
        git(upstream, "config", key, value)
    (upstream / "f").write_text("x")
    git(upstream, "add", "f")
    git(upstream, "commit", "-q", "-m", "one")
    git(upstream, "branch", "feature/deep")
    git(upstream, "tag", "light")
    git(upstream, "tag", "-a", "v1", "-m", "one")
    git(upstream, "tag", "-a", "again", "-m", "two", "v1")
    git(upstream, "tag", "a-tree", "HEAD^{tree}")
    git(tmp_path, "clone", "-q", "upstream", "clone")
    git(upstream, "commit", "-q", "--allow-empty", "-m", "two")
    git(tmp_path / "clone", "fetch", "-q")
    return tmp_path / "clone"


def test_branches_and_tags_lead_to_their_commits(clone: Path) -> None:
    found = clone_refs.clone_refs(clone, GIT)
    commit = git(clone, "rev-parse", "HEAD").strip()
    names = ("again", "light", "v1")
    assert [(ref.kind, ref.name) for ref in found[:2]] == [("branch", "feature/deep"), ("branch", "main")]
    assert [ref.full_name for ref in found[:2]] == ["refs/heads/feature/deep", "refs/heads/main"]
    assert {ref.name: ref.target for ref in found if ref.name in names} == dict.fromkeys(names, commit)
    listed = list(clone_refs._listed(clone, GIT))
    assert len(listed) == len(found) == 6
    assert {*found} - {*listed} <= {CloneRef("tag", "again", commit)}  # before 2.45 git follows one tag only


def test_git_lists_what_gitpython_cannot_read(clone: Path) -> None:
    tip = git(clone, "rev-parse", "origin/main").strip()
    with (clone / ".git" / "packed-refs").open("ab") as packed:
        packed.write(os.fsencode(tip) + b" refs/tags/\xff\n")
    assert CloneRef("tag", "\udcff", tip) in clone_refs.clone_refs(clone, GIT)
