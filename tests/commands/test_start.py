"""Problems that keep a crawl from starting are reported in one line, before any request."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.hubs import Hubs


def refusals(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("scrapy crawl")]


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("fraction", "1.5", "a number from 0 to 1"),
        ("fraction", "-0.1", "a number from 0 to 1"),
        ("fraction", "nan", "a number from 0 to 1"),
        ("fraction", "ten", "a number from 0 to 1"),
        ("lfs", "some", "auto, all, none or a size such as 100MB"),
        ("lfs", "10 apples", "auto, all, none or a size such as 100MB"),
        ("fractoin", "0.1", "no argument of huggingface"),
        ("CLONE_LFS", "some", "auto, all, none or a size such as 100MB"),
        ("CLONE_LFS_FILES", "symlink", "one of link, copy, pointer"),
        ("CLONE_CONCURRENCY", "0", "a whole number from 1 to"),
        ("CLONE_TIMEOUT", "soon", "a whole number from 1 to"),
        ("CLONE_MIN_FREE", "much", "a size such as 100MB"),
        ("CLONE_PROTOCOLS", "http:ext", "protocols of http, https"),
        ("CLONE_GIT_CONFIG", "{", "a JSON object of git settings"),
        ("CLONE_GIT_CONFIG", '{"a.b": 1}', "a JSON object of git settings"),
        ("CLONE_GIT_CONFIG", '{"nodot": "x"}', "a JSON object of git settings"),
        ("CLONE_TIMEOUT", "99999999999", "a whole number from 1 to"),
        ("lfs", "9" * 400, "auto, all, none or a size such as 100MB"),
        ("top", "1_0", "a whole number from 1 to"),
        ("LISTING_MAX_AGE", "soon", "a time in seconds"),
        ("LISTING_RETRY_PAUSE", "-1", "a time in seconds"),
        ("RATE_LIMIT_RETRIES", "x", "a whole number"),
        ("HUGGINGFACE_URL", "huggingface.co", "a URL such as"),
        ("CLONE_PROTOCOLS", "https", "one or more protocols, among them http: HUGGINGFACE_URL is"),
        ("LOG_FILE", "/nonexistent/log", "a file that can be written"),
    ],
)
def test_values_that_cannot_be_used(crawl: Start, hubs: Hubs, name: str, value: str, accepted: str) -> None:
    done = crawl("huggingface", **{name: value})
    assert done.status == 2
    [line] = refusals(done.log)
    assert f"{name}={value}" in line
    assert accepted in line
    assert not hubs.requests


def test_a_folder_that_cannot_be_written(crawl: Start, hubs: Hubs, folder: Path) -> None:
    (folder / "data").write_text("a file, not a folder")
    done = crawl("huggingface")
    assert done.status == 2
    [line] = refusals(done.log)
    assert f"DATA_DIR={folder / 'data'}" in line
    assert not hubs.requests


@pytest.mark.parametrize("program", ["git", "git-lfs"])
def test_a_program_that_is_missing(crawl: Start, hubs: Hubs, folder: Path, program: str) -> None:
    for other in {"git", "git-lfs"} - {program}:
        (folder / other).symlink_to(shutil.which(other) or pytest.fail(f"the tests need {other}"))
    done = crawl("huggingface", environment={"PATH": str(folder)})
    assert done.status == 2
    [line] = refusals(done.log)
    assert f"{program} is not installed; install it" in line
    assert not hubs.requests


def test_a_tree_that_is_in_use(crawl: Start, hubs: Hubs, folder: Path) -> None:
    tree = folder / "data" / "huggingface"
    tree.mkdir(parents=True)
    with (tree / ".huggingface~lock").open("w") as lock:
        lock.write("process 4711 on here")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = crawl("huggingface")
        assert done.status == 1
        assert any(f"{tree} is in use by another crawl, process 4711 on here" in line for line in done.errors)
        assert not hubs.requests
        assert crawl("modelhub", fraction=0).status == 0


def test_no_file_of_a_user_is_read(crawl: Start, hubs: Hubs, folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1\n')
    (home / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    done = crawl(
        "huggingface", fraction=0.1, environment={"HOME": str(home), "GIT_CONFIG_GLOBAL": f"{home}/.gitconfig"}
    )
    assert set(done.statuses.values()) == {"cloned"}
    assert not any("Authorization" in request.headers for request in hubs.requests)
    assert set(os.listdir(home)) == {".gitconfig", ".netrc"}
