"""Lines of earlier crawls, the listing and the clones on disk agree."""

import json
import subprocess
from typing import Any

import pytest

from ptmtorrent_scrapy.cloning.reconcile import is_same, reconcile
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.origin import origin, set_origin
from ptmtorrent_scrapy.storage.tree import DataTree
from tests.conftest import git
from tests.unit.cloning.conftest import AddModel

OLD, NEW = "https://old.example", "https://mirror.example/hf"


def _clone(tree: DataTree, folder: str, url: str) -> str:
    """Make a clone like that of a crawl; return its commit."""
    clone = tree.folder / "repos" / folder
    clone.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=clone, check=True)
    user = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git(clone, *user, "commit", "-q", "--allow-empty", "-m", "first")
    git(clone, "config", "remote.origin.url", url)
    git(clone, "config", "lfs.url", f"{url}.git/info/lfs")
    commit = git(clone, "rev-parse", "HEAD").strip()
    state = {"lfs": "auto", "lfs_files": "link", "error": None, "git_bytes": 7, "commit": commit, "crawl": "earlier"}
    local.write_state(clone, state)
    return commit


def _remember(listing: CrawlDatabase, folder: str, url: str) -> None:
    path = f"repos/{folder}"
    listing.set_result(url, json.dumps({"url": url, "path": path, "status": "cloned"}).encode(), path=path)


def _lines(listing: CrawlDatabase) -> list[dict[str, Any]]:
    return [json.loads(line) for line in listing.results()]


def test_a_hub_at_another_address_keeps_its_clones(listing: CrawlDatabase, tree: DataTree, add_model: AddModel) -> None:
    for name in ("o/chosen", "o/other"):
        _clone(tree, name, f"{OLD}/{name}")
        _remember(listing, name, f"{OLD}/{name}")
        add_model(name, NEW)
    listing.commit_checks.set(f"{OLD}/o/other", hub_id="1", commit="2" * 40, at=1)
    listing.choose(1)
    reconcile(listing, tree)
    assert {line["url"]: line["path"] for line in _lines(listing)} == {
        f"{NEW}/o/chosen": "repos/o/chosen",
        f"{NEW}/o/other": "repos/o/other",
    }
    assert [url for url, *_ in listing.commit_checks.all()] == [f"{NEW}/o/other"]
    clone = tree.folder / "repos" / "o" / "other"
    assert origin(clone) == f"{NEW}/o/other"
    assert git(clone, "config", "lfs.url").strip() == f"{NEW}/o/other.git/info/lfs"


def test_a_folder_stays_with_its_repository(listing: CrawlDatabase, tree: DataTree, add_model: AddModel) -> None:
    _clone(tree, "huggingface.co/gpt2", f"{OLD}/gpt2")
    _remember(listing, "huggingface.co/gpt2", f"{OLD}/gpt2")
    add_model("huggingface.co/gpt2", OLD)
    listing.choose(1)
    reconcile(listing, tree)
    assert listing.other_in_folder(f"{OLD}/huggingface.co/gpt2", "huggingface.co/gpt2") == f"{OLD}/gpt2"
    assert origin(tree.folder / "repos" / "huggingface.co" / "gpt2") == f"{OLD}/gpt2"


def test_clones_without_a_line_get_one(listing: CrawlDatabase, tree: DataTree, add_model: AddModel) -> None:
    commit = _clone(tree, "o/listed", f"{OLD}/o/listed")
    _clone(tree, "o/unlisted", f"{OLD}/o/unlisted")
    (tree.folder / "repos" / "o" / "unfinished" / ".git").mkdir(parents=True)
    add_model("o/listed", OLD)
    listing.choose(0)
    reconcile(listing, tree)
    lines = {line["path"]: line for line in _lines(listing)}
    assert lines.keys() == {"repos/o/listed", "repos/o/unlisted"}
    listed = lines["repos/o/listed"]
    assert (listed["url"], listed["commit"], listed["status"]) == (f"{OLD}/o/listed", commit, "cloned")
    assert (listed["branch"], listed["git_bytes"], listed["crawl"]) == ("main", 7, "earlier")


def test_the_line_of_a_clone_that_a_killed_crawl_updated_is_written_again(
    listing: CrawlDatabase, tree: DataTree, add_model: AddModel
) -> None:
    commits = {name: _clone(tree, name, f"{OLD}/{name}") for name in ("o/updated", "o/mine")}
    mine = tree.folder / "repos" / "o" / "mine"
    git(mine, *("-c", "user.name=u", "-c", "user.email=u@example.org"), "commit", "-q", "--allow-empty", "-m", "my own")
    for name in commits:
        _remember(listing, name, f"{OLD}/{name}")
        add_model(name, OLD)
    listing.choose(0)
    reconcile(listing, tree)
    lines = {line["path"]: line for line in _lines(listing)}
    assert (lines["repos/o/updated"]["commit"], lines["repos/o/updated"]["crawl"]) == (commits["o/updated"], "earlier")
    assert lines["repos/o/mine"].get("commit") is None


def test_the_line_of_a_clone_that_a_user_removed_goes(
    listing: CrawlDatabase, tree: DataTree, add_model: AddModel
) -> None:
    for name in ("o/chosen", "o/gone"):
        _remember(listing, name, f"{OLD}/{name}")
    add_model("o/chosen", OLD)
    listing.choose(1)
    reconcile(listing, tree)
    assert [line["url"] for line in _lines(listing)] == [f"{OLD}/o/chosen"]


@pytest.mark.parametrize(
    ("url", "key", "folder", "same"),
    [
        ("https://a.example/o/m", "o/m", "o/m", True),
        ("https://a.example/hf/o/m/", "o/m", "o/m", True),
        ("https://a.example/o/m.git", "o/m", "o/m", True),
        ("https://a.example/datasets/o/m", "o/m", "o/m", True),
        ("https://a.example/other/m", "o/m", "o/m", False),
        ("https://a.example/gpt2", "gpt2", "huggingface.co/gpt2", True),
        ("https://a.example/huggingface.co/gpt2", "gpt2", "huggingface.co/gpt2", False),
        ("https://a.example/gpt2", "huggingface.co/gpt2", "huggingface.co/gpt2", False),
    ],
)
def test_identity_is_the_id_and_not_the_address(url: str, key: str, folder: str, same: bool) -> None:
    assert is_same(url, key=key, folder=folder) is same


def test_an_unusual_configuration_is_left_to_git(tree: DataTree) -> None:
    _clone(tree, "o/m", 'https://a.example/o/"m"')
    clone = tree.folder / "repos" / "o" / "m"
    assert origin(clone) == 'https://a.example/o/"m"'
    set_origin(clone, "https://b.example/o/m")
    assert git(clone, "config", "remote.origin.url").strip() == "https://b.example/o/m"
