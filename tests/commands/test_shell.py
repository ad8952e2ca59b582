"""`scrapy shell`, `scrapy parse` and `scrapy check` on pages of the stand-in hubs."""

import ast
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy import settings
from ptmtorrent_scrapy.parsers.huggingface_query import listing_url
from tests import processes
from tests.conftest import ROOT, Start, command
from tests.hubs import Hubs

LISTING = "/api/models?sort=createdAt&limit=1000&full=true&cardData=true&config=true"

Ended = subprocess.CompletedProcess[str]
Run = Callable[..., Ended]


@pytest.fixture
def run(hubs: Hubs, folder: Path) -> Run:
    """Run a command of `scrapy` without git in the PATH; check that it leaves nothing in the folder."""

    def of(name: str, *words: str, stdin: str = "", **settings: Any) -> Ended:
        python, m, scrapy, _, _, *options = command(hubs, folder, "", **settings)
        ended = processes.run(
            [python, m, scrapy, name, *words, *options],
            cwd=ROOT,
            env={**os.environ, "PATH": str(folder), "SCRAPY_PYTHON_SHELL": "python"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert list(folder.iterdir()) == []
        assert not hubs.asked("info/refs|git-upload-pack")
        return ended

    return of


@pytest.fixture
def shown(run: Run) -> Callable[..., Any]:
    """Return the value of an expression in the shell of a page."""

    def of(url: str, code: str, *words: str, **settings: Any) -> Any:
        ended = run("shell", url, "-c", f"repr({code})", *words, **settings)
        assert ended.returncode == 0, ended.stderr
        return ast.literal_eval(ended.stdout)

    return of


def pages(hubs: Hubs) -> dict[str, str]:
    """Return a page of each hub."""
    return {
        "huggingface": hubs.url + LISTING,
        "modelhub": hubs.modelhub.url,
        "modelzoo": f"{hubs.modelzoo.url}/api/models/0/",
        "pytorchhub": f"{hubs.pytorchhub.url}/",
        "onnxmodelzoo": f"{hubs.url}/github.com/onnx/models/blob/main/README.md",
    }


@pytest.mark.parametrize("hub", ["huggingface", "modelhub", "modelzoo", "pytorchhub", "onnxmodelzoo"])
def test_the_spider_of_a_url(hubs: Hubs, shown: Callable[..., Any], hub: str) -> None:
    repository = f"{hubs.url}/github.com/onnx/models.git"
    assert shown(pages(hubs)[hub], "(spider.name, spider.hub)", ONNXMODELZOO_REPOSITORY=repository)[0] == hub


def test_the_records_of_a_page_are_those_of_a_crawl(hubs: Hubs, shown: Callable[..., Any], crawl: Start) -> None:
    url = listing_url(hubs.url, "models", settings.HUGGINGFACE_EXPAND.split(","))
    records = shown(url, "list(map(record, models()))")
    crawled = crawl("huggingface", fraction=0).records
    assert len(crawled) == 60
    assert records == [{**record, "id": 0} for record in crawled]


def test_objects_of_a_page(hubs: Hubs, shown: Callable[..., Any]) -> None:
    described = {"id": "me/mine", "sha": "0" * 40, "pipeline_tag": "fill-mask"}
    names = "response.json()[3]['id'], models()[3].name, model(3).name, record(3)['ModelName']"
    number, task, *names = shown(hubs.url + LISTING, f"(len(models()), model({described}).task, {names})")
    assert (number, task) == (60, "fill-mask")
    assert len(set(names)) == 1


def test_the_page_of_a_single_model(hubs: Hubs, shown: Callable[..., Any]) -> None:
    found = shown(hubs.url + LISTING, "model(5).name")
    of_its_page = shown(f"{hubs.url}/api/models/{found}", "(len(models()), model().name, record()['ModelName'])")
    assert of_its_page == (1, found, found)


def test_modelhub(hubs: Hubs, run: Run) -> None:
    ended = run("shell", hubs.modelhub.url, "-c", "record(1)")
    record = ast.literal_eval(ended.stdout)
    assert record["ModelURL"] == "https://github.com/modelhub-ai/model-1"
    assert record["ModelHub"]["MetadataObjectID"] == 1
    assert "rejected: no commit: the hub gives none; a crawl asks the repository for it\n" in ended.stderr


def test_modelzoo(hubs: Hubs, shown: Callable[..., Any]) -> None:
    found = shown(f"{hubs.modelzoo.url}/api/models/0/", "[(m.name, m.repository) for m in models() if m.repository]")
    assert ("Model 14", "https://github.com/zoo/model-14") in found
    page = f"{hubs.modelzoo.url}/api/models/model-14/"
    code = "(model().key, model().repository, record()['ModelPaperDOIs'])"
    assert shown(page, code) == ("model-14", "https://github.com/zoo/model-14", ["10.48550/arXiv.1706.03762"])


def test_what_a_crawl_would_reject(hubs: Hubs, run: Run) -> None:
    ended = run("shell", hubs.url + LISTING, "-c", "record({'sha': None})")
    assert ended.stdout == "None\n"
    assert "rejected: no id: an element of the listing has neither id nor modelId\n" in ended.stderr
    described = {"id": "a/b", "sha": "0" * 40, "createdAt": "2022-13-13T00:00:00.000Z"}
    ended = run("shell", hubs.url + LISTING, "-c", f"record({described})")
    assert ast.literal_eval(ended.stdout)["ModelCreated"] == "2022-13-13T00:00:00.000Z"
    assert "rejected: invalid record: " in ended.stderr
    assert '"2022-13-13T00:00:00.000Z" is not a "date-time"' in ended.stderr


@pytest.mark.parametrize(
    ("page", "code", "words", "problem"),
    [
        (LISTING, "record(60)", (), "shows 60 objects; positions count from 0"),
        ("/robots.txt", "models()", (), "/robots.txt is not JSON"),
        ("/pytorchhub/", "models()", (), "PyTorch Hub's models are listed in a git repository"),
        (LISTING, "models()", ("--spider", "hugface"), "unknown hub 'hugface' (choose from huggingface,"),
    ],
)
def test_what_cannot_be_shown(hubs: Hubs, run: Run, page: str, code: str, words: tuple[str, ...], problem: str) -> None:
    ended = run("shell", hubs.url + page, "-c", code, *words)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("scrapy shell: ")
    assert problem in last


def test_a_session(hubs: Hubs, run: Run) -> None:
    lines = ["models()", f"fetch('{hubs.url}{LISTING}')", "(len(models()), record(0)['ModelHub']['ModelHubName'])"]
    ended = run("shell", "--spider", "huggingface", stdin="\n".join(lines) + "\n")
    assert ended.returncode == 0
    assert "no page of a hub is shown; fetch(URL) one" in ended.stderr
    assert "(60, 'Hugging Face')" in ended.stdout
    for name in ("models()", "model(OBJECT)", "record(OBJECT)"):
        assert f" {name}: " in ended.stderr  # the banner


def test_the_help_of_the_shell(hubs: Hubs, run: Run) -> None:
    ended = run("shell", hubs.url + LISTING, "-c", "shelp()")
    for name in ("models()", "model(OBJECT)", "record(OBJECT)"):
        assert f" {name}: " in ended.stdout


@pytest.mark.parametrize(("hub", "words"), [("huggingface", ("--spider", "huggingface")), ("modelhub", ())])
def test_parse(hubs: Hubs, run: Run, hub: str, words: tuple[str, ...]) -> None:
    ended = run("parse", *words, "--nocolour", pages(hubs)[hub])
    assert ended.returncode == 0, ended.stderr
    assert "] ERROR" not in ended.stderr
    _, _, printed = ended.stdout.partition("# Scraped Items")
    items = ast.literal_eval(printed.partition("\n")[2].partition("# Requests")[0])
    assert len(items) == {"huggingface": 60, "modelhub": len(hubs.modelhub.models)}[hub]
    assert all(item["name"] and item["repository"] for item in items)


def test_parse_asks_modelzoo_as_its_pages_do(hubs: Hubs, run: Run) -> None:
    ended = run("parse", "--nocolour", pages(hubs)["modelzoo"])
    assert ended.returncode == 0, ended.stderr
    assert "'name': 'Model 14'" in ended.stdout


@pytest.mark.parametrize(
    ("page", "status", "problem"),
    [
        ("/robots.txt", 1, "does not answer with a JSON array"),
        ("/api/models/nobody/nothing", 1, "No response downloaded for"),
        ("/pytorchhub/", 2, "scrapy parse: PyTorch Hub's models are listed in a git repository"),
    ],
)
def test_what_cannot_be_parsed(hubs: Hubs, run: Run, page: str, status: int, problem: str) -> None:
    ended = run("parse", hubs.url + page)
    assert ended.returncode == status
    assert problem in ended.stderr


def test_check(hubs: Hubs, run: Run) -> None:
    ended = run("check", "-v")
    assert ended.returncode == 0, ended.stderr
    for hub in ("huggingface", "modelhub"):
        assert f"[{hub}] parse (@models post-hook) ... ok" in ended.stderr
    assert len(hubs.asked("^/api/models.*limit=10&")) == 1
    assert len(hubs.asked("^/modelhub/models.json")) == 1


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"status": 200, "body": "<html>"}, "does not answer with a JSON array"),
        ({"status": 200, "body": "[]"}, "at least 10 models with commit: 0 objects, 0 models, 0 as expected"),
        (
            {"status": 200, "body": '[{"id": "a/b"}]'},
            "at least 10 models with commit: 1 object, 1 model, 0 as expected",
        ),
        ({"status": 500}, "[huggingface] parse (errback)"),
    ],
)
def test_check_of_a_hub_that_answers_nonsense(hubs: Hubs, run: Run, fault: dict[str, Any], problem: str) -> None:
    hubs.faults.add("^/api/models", **fault)
    ended = run("check")
    assert ended.returncode == 1
    assert problem in ended.stderr
    assert run("check", "modelhub").returncode == 0
