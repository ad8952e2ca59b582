"""Common fixtures: stand-in hubs, crawls as a user starts them, and recorded answers of real hubs."""

import contextlib
import gc
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.records.validator import schema
from tests import processes
from tests.hubs import Hubs
from tests.hubs.server import in_memory

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

collect_ignore = ["preload.py"]  # only for the fork server


@dataclass
class Crawl:
    """A finished crawl and its tree."""

    status: int
    log: str
    folder: Path  # DATA_DIR/HUB

    def read(self, path: str) -> Any:
        """Return a JSON or JSONL file of the tree."""
        text = (self.folder / path).read_text()
        return [json.loads(line) for line in text.splitlines()] if path.endswith(".jsonl") else json.loads(text)

    @property
    def records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.read(f"json/{self.folder.name}.json")
        return found

    @property
    def statuses(self) -> dict[str, str]:
        """Return the status of each repository, by its folder or else its URL."""
        lines = self.read("json/repositories.jsonl")
        return {(line["path"] or line["url"]).removeprefix("repos/"): line["status"] for line in lines}

    @property
    def errors(self) -> list[str]:
        """Return the lines of errors in the log."""
        return [line.split("] ", 1)[1] for line in self.log.splitlines() if "] ERROR" in line or "Traceback" in line]


Start = Callable[..., Crawl]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder for the data of crawls."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as path:
        yield Path(path)


@pytest.fixture
def hubs() -> Iterator[Hubs]:
    """Yield stand-in hubs with 60 models, all of which can be cloned, and 16 of Modelhub."""
    with Hubs(models=60, seed=7, troubles=False) as hubs:
        hubs.modelhub.models[13:-3] = []  # each needs requests to its repository
        yield hubs


def command(hubs: Hubs, folder: Path, hub: str, **settings: Any) -> list[str]:
    """Return the command of a crawl; names in lower case are the spider's arguments."""
    given = {
        "DATA_DIR": folder / "data",
        "HUGGINGFACE_URL": hubs.url,
        "MODELHUB_URL": hubs.modelhub.url,
        "MODELZOO_URL": hubs.modelzoo.url,
        "PYTORCHHUB_URL": hubs.pytorchhub.url,
        "CLONE_PROTOCOLS": "http:https",
        "CLONE_GIT_CONFIG": json.dumps(hubs.modelhub.git_config),
        "CLONE_MIN_FREE": "1MB",
        "CLONE_REFRESH": 0,
        "CLONE_RETRIES": 0,
        "RETRY_TIMES": 2,
        "LISTING_RETRY_PAUSE": 0,
        **settings,
    }
    options = [["-a" if name.islower() else "-s", f"{name}={value}"] for name, value in given.items()]
    return [sys.executable, "-m", "scrapy", "crawl", hub, *(word for option in options for word in option)]


@pytest.fixture
def crawl(hubs: Hubs, folder: Path) -> Start:
    """Return a function that crawls a hub to its end, in the folder."""

    def start(hub: str, environment: dict[str, str] | None = None, **settings: Any) -> Crawl:
        ended = processes.run(
            command(hubs, folder, hub, **settings),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
        return Crawl(ended.returncode, ended.stderr, Path(settings.get("DATA_DIR", folder / "data")) / hub)

    return start


@pytest.fixture(scope="session")
def no_browser(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which no browser is found."""
    folder = tmp_path_factory.mktemp("programs")
    for program in ("git", "git-lfs", "sh"):
        (folder / program).symlink_to(str(shutil.which(program)))
    return {**os.environ, "PATH": str(folder), "PLAYWRIGHT_BROWSERS_PATH": str(folder)}


RequestFor = Callable[..., CloneRequest]


@pytest.fixture
def request_for(hubs: Hubs, folder: Path) -> RequestFor:
    """Return a function that makes a request to clone, by the path on the server."""

    def make(path: str = "o/m", /, **options: Any) -> CloneRequest:
        given = {"path": str(folder / "repos" / path), "protocols": ("http",), "timeout": 60, **options}
        return CloneRequest(url=f"{hubs.url}/{path}", store=str(folder / "lfs"), **given)

    return make


@contextlib.contextmanager
def serve(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Yield the URL of a server on loopback whose requests a handler answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def other_server() -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of another server on loopback, and the requested paths."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 - as http.server wants it

        def log_message(self, *_: object) -> None:
            pass

    with serve(Handler) as url:
        yield url, asked


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with the recorded answers of the hubs."""
    if not SHARED.is_dir():
        pytest.skip("the recorded answers of the hubs are not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def published() -> Any:
    """Return PTMTorrent's published schema."""
    return jsonschema_rs.validator_for(schema("ptmtorrent-2023"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than processors: tests also wait for what ends by itself, such as a silent server."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Exclude imported modules, some hundred megabytes per process, from garbage collection."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start slow tests first; otherwise one worker would still run them after the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one if nothing may be skipped."""
    report = yield
    if report.skipped and os.environ.get("SKIP_IS_FAILURE"):
        report.outcome = "failed"
    return report


def git(repository: Path, *arguments: str) -> str:
    """Return the output of git in a repository."""
    return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True).stdout
