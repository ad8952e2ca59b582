"""The project as an egg in scrapyd: deployed, scheduled and cancelled over HTTP."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.conftest import ROOT, Crawl, Start, command, git
from tests.git.test_clone import assert_no_process_left
from tests.hubs import Hubs, Large, Repository

PROJECT = "ptmtorrent_scrapy"
TIMES = {"started", "seconds", "at", "crawl"}  # in files of one JSON object a line


class Scrapyd:
    """A scrapyd in its own folder, whose log is read as it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        (folder / "scrapyd.conf").write_text(
            f"[scrapyd]\nbind_address = 127.0.0.1\nhttp_port = {port}\npoll_interval = 0.1\nmax_proc = 2\n"
        )
        self._log: list[str] = []
        self._written = threading.Condition()

    def __enter__(self) -> Self:
        others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scrapyd"],
            cwd=self.folder,  # a folder in which the project can only be imported from its egg
            env={**others, "HOME": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for("Site starting on")
        return self

    def __exit__(self, *_: object) -> None:
        for job in self.ask("listjobs.json")["running"]:  # which scrapyd leaves behind
            os.kill(job["pid"], signal.SIGKILL)
        self._process.terminate()
        self._process.wait(timeout=60)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._written:
                self._log.append(line)
                self._written.notify_all()

    @property
    def log(self) -> str:
        return "".join(self._log)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match in scrapyd's log, once it exists."""
        with self._written:
            assert self._written.wait_for(lambda: re.search(pattern, self.log), timeout=60), self.log
        match = re.search(pattern, self.log)
        assert match is not None
        return match

    def ask(self, page: str, given: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """Return the answer of a page of scrapyd."""
        body = None if given is None else urlencode(given).encode()
        with urlopen(f"{self.url}/{page}", body, timeout=60) as response:
            answered: dict[str, Any] = json.load(response)
        assert answered["status"] == "ok", answered
        return answered

    def schedule(self, words: list[str]) -> str:
        """Schedule the equivalent of `scrapy crawl HUB -s NAME=VALUE -a NAME=VALUE`; return the job."""
        given = [("project", PROJECT), ("spider", words[words.index("crawl") + 1])]
        for option, word in pairwise(words):
            if option == "-s":
                given.append(("setting", word))
            elif option == "-a":
                name, _, value = word.partition("=")
                given.append((name, value))
        job: str = self.ask("schedule.json", given)["jobid"]
        return job

    def ended(self, job: str) -> int:
        """Return the exit status of a job, once it has one; scrapyd lists it as finished."""
        said = self.wait_for(rf"Process (finished|died: exitstatus=(\d+|None)).* job='{job}'")
        listed = self.ask(f"listjobs.json?project={PROJECT}")
        assert job in [each["id"] for each in listed["finished"]]
        return int(said[2] or 0)

    def log_of(self, hub: str, job: str) -> str:
        return (self.folder / "logs" / PROJECT / hub / f"{job}.log").read_text()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrapyd]:
    """Yield a scrapyd that has an egg of the project."""
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / PROJECT, project / PROJECT, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "requirements.txt"):
        shutil.copy(ROOT / name, project)
    with Scrapyd(tmp_path_factory.mktemp("scrapyd")) as scrapyd:
        configuration = (ROOT / "scrapy.cfg").read_text()
        assert "http://localhost:6800" in configuration
        (project / "scrapy.cfg").write_text(configuration.replace("http://localhost:6800", scrapyd.url))
        deploy = subprocess.run(
            [sys.executable, "-m", "scrapyd_client.deploy"],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert deploy.returncode == 0, deploy.stdout + deploy.stderr
        answered = json.loads(deploy.stdout)
        assert (answered["status"], answered["project"], answered["spiders"]) == ("ok", PROJECT, 7), answered
        yield scrapyd


def content(tree: Path) -> dict[str, Any]:
    """Return the files of a hub's folder without times and cached pages; of clones the working trees."""
    found: dict[str, Any] = {}
    for path in tree.rglob("*"):
        name = path.relative_to(tree)
        told_otherwise = name.parts[0] == "cache" or ".git" in name.parts or path.name == "crawls.jsonl"
        if path.is_file() and path.parent.name != "checked" and not told_otherwise:
            found[str(name)] = lines(path) if path.suffix == ".jsonl" else path.read_bytes()
    return found


def lines(path: Path) -> list[str]:
    """Return the lines of a file in a stable order."""
    values = [json.loads(line) for line in path.read_text().splitlines()]
    return sorted(json.dumps({name: value[name] for name in sorted(value.keys() - TIMES)}) for value in values)


Job = Callable[..., tuple[int, Crawl]]


@pytest.fixture
def job(deployed: Scrapyd, hubs: Hubs, folder: Path) -> Job:
    """Run a crawl as a job of scrapyd, in another folder than `crawl`; return its exit status, too."""

    def run(hub: str, **given: Any) -> tuple[int, Crawl]:
        name = deployed.schedule(command(hubs, folder / "scrapyd", hub, **given))
        status = deployed.ended(name)
        return status, Crawl(status, deployed.log_of(hub, name), folder / "scrapyd" / "data" / hub)

    return run


@pytest.mark.parametrize(
    ("hub", "given"), [("huggingface", {"fraction": "0.1"}), ("modelhub", {"fraction": "0.2", "lfs": "none"})]
)
def test_a_job_leaves_the_tree_of_a_crawl(job: Job, crawl: Start, hub: str, given: dict[str, str]) -> None:
    status, scheduled = job(hub, **given)
    assert status == 0, scheduled.log
    assert "Spider closed (finished)" in scheduled.log
    typed = crawl(hub, **given)
    assert scheduled.records == typed.records != []
    assert scheduled.statuses == typed.statuses != {}
    assert content(scheduled.folder) == content(typed.folder)
    for repository in typed.folder.glob("repos/*/*"):
        copy = scheduled.folder / repository.relative_to(typed.folder)
        assert git(copy, "rev-parse", "HEAD") == git(repository, "rev-parse", "HEAD")
        assert git(copy, "status", "--porcelain") == ""


def test_arguments_and_settings_of_a_schedule_hold(job: Job, hubs: Hubs) -> None:
    status, scheduled = job("huggingface", fraction=0, USER_AGENT="a scheduled crawl")
    assert status == 0, scheduled.log
    assert len(scheduled.records) == 60
    assert not (scheduled.folder / "repos").exists()
    assert {request.headers["User-Agent"] for request in hubs.asked("^/api/models")} == {"a scheduled crawl"}


def test_a_value_that_cannot_be_used_fails_the_job(job: Job, deployed: Scrapyd, hubs: Hubs) -> None:
    status, scheduled = job("huggingface", fraction=2)
    assert status == 2
    assert "scrapy crawl huggingface: fraction=2: not accepted; fraction is a number from 0 to 1" in deployed.log
    assert not hubs.requests
    assert not scheduled.folder.exists()


def test_a_hub_that_cannot_be_reached_fails_the_job(job: Job, hubs: Hubs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    status, scheduled = job("huggingface", HUGGINGFACE_URL=nobody, RETRY_TIMES=0)
    assert status == 1
    [error] = scheduled.errors
    assert f"Hugging Face could not be listed; previous data is kept: {nobody}/api/models" in error
    assert "Hugging Face: listing_failed" in scheduled.log
    assert not (scheduled.folder / "json" / "huggingface.json").exists()


def test_a_cancelled_job_ends_cleanly(job: Job, deployed: Scrapyd, hubs: Hubs, folder: Path) -> None:
    attributes = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
    weights = Large(b"weights" * 10_000)
    served = hubs.serve("o/m", Repository([{".gitattributes": attributes, "w.bin": weights}]))
    hubs.huggingface.models = [{"id": "o/m", "sha": served.head}]
    hubs.faults.add(f"^/_lfs/{weights.oid}", stall=True, times=1)
    name = deployed.schedule(command(hubs, folder / "scrapyd", "huggingface", fraction=1))
    hubs.wait_for(f"^/_lfs/{weights.oid}")
    cancelled = deployed.ask("cancel.json", [("project", PROJECT), ("job", name)])
    assert cancelled["prevstate"] == "running"
    assert deployed.ended(name) == 1
    assert_no_process_left(hubs)
    assert "Spider closed (shutdown)" in deployed.log_of("huggingface", name)
    status, scheduled = job("huggingface", fraction=1)
    assert status == 0, scheduled.log
    assert scheduled.statuses == {"o/m": "cloned"}
    assert [path for path in scheduled.folder.rglob("*") if "~" in path.name] == []
