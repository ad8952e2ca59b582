"""PyTorch Hub, crawled whole: with a browser, if there is one, and without."""

import os
import re
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.downloadhandlers import chromium_program
from tests import processes
from tests.conftest import ROOT, Start, command, git
from tests.hubs import Hubs, Repository
from tests.hubs.pytorchhub import FRONT, GONE_FROM_THE_SITE, NOT_ON_THE_SITE

# Both keep a page from ever answering: the first waits for the site, which takes no processor time.
FOREVER = """<script>
const request = new XMLHttpRequest(); request.open("GET", "/pytorchhub/_content/never", false); request.send();
</script>"""
AT_REST_NO_MORE = "<script>addEventListener('load', () => setTimeout(() => {for (;;);}, 400))</script>"
FAULTS: dict[str, dict[str, Any]] = {
    "alone": {"status": 503},
    "hub_link": {"stall": True},
    "hub_spelled": {"status": 200, "body": FOREVER},
    "pytorch_vision_two": {"status": 200, "body": AT_REST_NO_MORE},
}
KEYS = ("id", "ModelName", "ModelAuthor", "ModelDescription", "ModelURL", "GitHubURL", "ColabURL", "DemoURL")
STEMS = sorted(FRONT)
RECORDED = [stem for stem in STEMS if stem not in ("nothing", "torn")]
FROM_THE_SITE = ["alone", "pytorch_vision_one"]


@pytest.fixture
def pages(crawl: Start, hubs: Hubs) -> Start:
    """Return a function that crawls PyTorch Hub."""
    return lambda **settings: crawl("pytorchhub", **{"PYTORCHHUB_URL": hubs.pytorchhub.url, **settings})


def keep(hubs: Hubs, *stems: str) -> None:
    """Remove all other pages from the hub, since a browser needs a second for each."""
    hubs.pytorchhub.files = {f"{stem}.md": hubs.pytorchhub.files[f"{stem}.md"] for stem in stems}


@pytest.fixture(scope="module")
def with_browser() -> None:
    if problem := chromium_program.problem():
        pytest.fail(f"{problem}; on Debian: apt-get install chromium libatomic1")


def test_models_are_those_of_the_repository(
    pages: Start, hubs: Hubs, no_browser: dict[str, str], published: Any
) -> None:
    done = pages(environment=no_browser)
    assert done.status == 0
    listed = done.read("json/metadata/pyth_models_metadata.json")
    assert [tuple(each) for each in listed] == [KEYS] * len(STEMS)
    assert [each["ModelURL"] for each in listed] == [f"{hubs.pytorchhub.url}/{stem}/" for stem in STEMS]
    assert [each["id"] for each in listed] == list(range(len(STEMS)))
    assert {(line["position"], line["reason"]) for line in done.read("json/rejected.jsonl")} == {
        (STEMS.index("nothing"), "no repository"),
        (STEMS.index("torn"), "no name"),
    }
    for record, stem in zip(done.records, RECORDED, strict=True):
        assert published.is_valid(record)
        assert record["ModelHub"]["MetadataFilePath"] == "data/pytorchhub/json/metadata/pyth_models_metadata.json"
        assert listed[record["ModelHub"]["MetadataObjectID"]]["ModelURL"] == record["ModelURL"]
        assert record["ModelURL"] == f"{hubs.pytorchhub.url}/{stem}/"
        assert record["ModelPaperDOIs"] == [
            *("10.48550/arXiv.2004.08955", "10.48550/arXiv.1512.03385", "10.1109/CVPR.2016.90")
        ]
    tasks = {record["ModelName"]: record["ModelTask"] for record in done.records}
    assert (tasks["Vision one"], tasks["Spelled: otherwise"], tasks["Linked"]) == ("vision", "nlp, generative", "nlp")


def test_a_repository_of_several_models_is_cloned_once(pages: Start, hubs: Hubs, no_browser: dict[str, str]) -> None:
    done = pages(environment=no_browser)
    assert done.statuses == dict.fromkeys(("pytorch/hub", "hub/alone", "hub/tools", "pytorch/vision"), "cloned")
    assert len(hubs.asked("github.com/pytorch/vision/info/refs")) == 1
    head = git(done.folder / "repos" / "pytorch" / "vision", "rev-parse", "HEAD").strip()
    vision = [record for record in done.records if record["ModelOwner"] == "Pytorch Team"]
    assert [record["LatestGitCommitSHA"] for record in vision] == [head] * 5
    assert {record["ModelOwnerURL"] for record in vision} == {"https://github.com/pytorch"}


@pytest.mark.usefixtures("with_browser")
def test_pages_are_kept_as_the_browser_shows_them(pages: Start, hubs: Hubs, no_browser: dict[str, str]) -> None:
    stems = {*FROM_THE_SITE, NOT_ON_THE_SITE, GONE_FROM_THE_SITE}
    keep(hubs, *stems)
    done = pages(fraction=0)
    assert (done.status, done.errors) == (0, [])
    assert hubs.asked("^/pytorchhub/_away/redirected.js")
    assert {asked.path for asked in hubs.asked("foreign|_away")} == {"/pytorchhub/_away/redirected.js"}
    html = done.folder / "html" / "metadata"
    assert {path.stem for path in (html / "models").iterdir()} == stems
    for stem in stems:
        page = (html / "models" / f"{stem}.html").read_text()
        assert (f"<main>Written by script for {stem}</main>" in page) == (stem in FROM_THE_SITE)
        assert ("<table>" in page) == (stem not in FROM_THE_SITE)
    assert "<main>Written by script for start</main>" in (html / "pyth_metadata.html").read_text()
    assert f"{len(FROM_THE_SITE) + 1} saved from the site" in done.log
    assert "2 rendered from Markdown" in done.log
    before = {path.stem: path.read_bytes() for path in (html / "models").iterdir()}
    hubs.faults.add(f"^/pytorchhub/{FROM_THE_SITE[0]}/", status=503)
    hubs.faults.add(f"^/pytorchhub/{FROM_THE_SITE[-1]}/", status=404, body="gone")
    for environment in ({}, no_browser):
        assert pages(fraction=0, environment=environment).status == 0
        now = {path.stem: path.read_bytes() for path in (html / "models").iterdir()}
        assert {stem for stem in stems if now[stem] != before[stem]} == {FROM_THE_SITE[-1]}


@pytest.mark.usefixtures("with_browser")
def test_another_hub_starts_no_browser(crawl: Start) -> None:
    done = crawl("modelhub", fraction=0)
    assert done.status == 0
    assert "playwright" not in done.log


@pytest.mark.usefixtures("with_browser")
def test_a_playwright_that_does_not_run(pages: Start, hubs: Hubs) -> None:
    done = pages(fraction=0, environment={"PLAYWRIGHT_NODEJS_PATH": "/bin/false"})
    assert (done.status, done.errors) == (0, [])
    assert done.log.count("Playwright does not run") == 1
    assert hubs.asked("^/pytorchhub") == []


def test_without_a_browser_pages_are_rendered_from_their_markdown(
    pages: Start, hubs: Hubs, no_browser: dict[str, str]
) -> None:
    done = pages(environment=no_browser)
    assert (done.status, done.errors) == (0, [])
    assert done.log.count("no browser is installed") == 1
    html = done.folder / "html" / "metadata"
    assert "<h1>PyTorch Hub</h1>" in (html / "pyth_metadata.html").read_text()
    for stem in STEMS:
        assert "<table>" in (html / "models" / f"{stem}.html").read_text()
    assert f"{len(STEMS) + 1} rendered from Markdown" in done.log
    assert hubs.asked("^/pytorchhub") == []
    again = pages(environment=no_browser, fraction=0)
    assert f"{len(STEMS) + 1} rendered from Markdown" in again.log
    assert "kept from an earlier crawl" not in again.log


@pytest.mark.usefixtures("with_browser")
def test_a_site_that_fails_costs_its_pages_alone(pages: Start, hubs: Hubs) -> None:
    keep(hubs, *FAULTS, "pytorch_vision_one")
    hubs.faults.add("^/pytorchhub/_content/never", stall=True)
    for stem, fault in FAULTS.items():
        hubs.faults.add(f"^/pytorchhub/{stem}/", headers={"Content-Type": "text/html"}, **fault)
    done = pages(fraction=0, PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT=4000)
    assert (done.status, done.errors) == (0, [])
    assert len(done.records) == len(FAULTS) + 1
    assert "2 saved from the site" in done.log
    assert f"{len(FAULTS)} rendered from Markdown" in done.log
    for stem in FAULTS:
        assert "<table>" in (done.folder / "html" / "metadata" / "models" / f"{stem}.html").read_text()


@pytest.mark.usefixtures("with_browser")
def test_a_site_that_does_not_answer(pages: Start, hubs: Hubs) -> None:
    keep(hubs, "alone")
    done = pages(fraction=0, PYTORCHHUB_URL="http://127.0.0.1:9/hub")
    assert (done.status, done.errors) == (0, [])
    assert "2 rendered from Markdown" in done.log


def test_a_browser_that_does_not_start(pages: Start, hubs: Hubs, no_browser: dict[str, str], tmp_path: Path) -> None:
    keep(hubs, "alone", "hub_link", "pytorch_vision_one")
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    done = pages(environment={**no_browser, "PATH": f"{tmp_path}:{no_browser['PATH']}"}, fraction=0)
    assert (done.status, done.errors) == (0, [])
    assert len(done.records) == 3
    assert "4 rendered from Markdown" in done.log


def test_a_failed_repository_of_pages_keeps_the_previous_data(
    pages: Start, hubs: Hubs, no_browser: dict[str, str]
) -> None:
    first = pages(environment=no_browser)
    before = {path: path.read_bytes() for path in (first.folder / "json").rglob("*.json")}
    hubs.faults.add("github.com/pytorch/hub", status=404)
    done = pages(environment=no_browser)
    assert done.status == 1
    assert len(done.errors) == 1
    assert "could not be listed; previous data is kept" in done.errors[0]
    assert {path: path.read_bytes() for path in (done.folder / "json").rglob("*.json")} == before


def test_hostile_pages_cost_themselves_alone(pages: Start, hubs: Hubs, no_browser: dict[str, str]) -> None:
    lines = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))
    hubs.pytorchhub.files |= {
        "bomb.md": f"---\na0: &a0 [x]\n{lines}\ntitle: Bomb\n---\n".encode(),
        "code.md": b"---\ntitle: !!python/object/apply:os.system [touch owned]\n---\n",
        "deep.md": b"---\ntitle: " + b"[" * 5000 + b"\n---\n",
        "large.md": b"---\ntitle: Large\n---\n" + b"x" * (1 << 20),
        "latin.md": b"---\ntitle: caf\xe9\ngithub-id: hub/alone\n---\n",
        "folder.md/inner.md": b"---\ntitle: Inner\n---\n",
        "number.md": b"---\ntitle: 7\ntags: {a: 1}\ngithub-id: [x]\n---\n",
    }
    done = pages(environment=no_browser, fraction=0)
    assert done.status == 0
    names = {each["ModelName"] for each in done.records}
    assert len(names) == len(RECORDED) + 1
    assert "caf\ufffd" in names
    reasons = [line["reason"] for line in done.read("json/rejected.jsonl")]
    assert sorted(reasons) == ["no name"] * 5 + ["no repository"]
    assert not (ROOT / "owned").exists()


def children(process: int) -> set[int]:
    """Return the child processes of one, and their children."""
    found: set[int] = set()
    left = [process]
    while left:
        for task in Path("/proc", str(left.pop()), "task").glob("*/children"):
            new = {int(child) for child in task.read_text().split()} - found
            found |= new
            left += new
    return found


@pytest.mark.usefixtures("with_browser")
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists a process's children")
@pytest.mark.parametrize("how", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_browser_ends_with_the_crawl(hubs: Hubs, folder: Path, how: signal.Signals | None) -> None:
    keep(hubs, "alone")
    fault = hubs.faults.add("_content/", stall=True)
    started: dict[int, int] = {}
    settings = {"PYTORCHHUB_URL": hubs.pytorchhub.url, "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": 4000}
    crawl = processes.Popen(
        command(hubs, folder, "pytorchhub", fraction=0, **settings),
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        hubs.wait_for("_content/")
        started = {each: os.pidfd_open(each) for each in children(crawl.pid)}
        assert any("type=renderer" in Path("/proc", str(each), "cmdline").read_text() for each in started)
        if how is None:
            hubs.faults.remove(fault)
        else:
            crawl.send_signal(how)
        crawl.wait(timeout=120)
        running = [each for each, ended in started.items() if not select.select([ended], [], [], 30)[0]]
        assert running == []
    finally:
        crawl.kill()
        crawl.wait()
        for ended in started.values():
            os.close(ended)


def test_recorded_pages_become_models(
    pages: Start, hubs: Hubs, shared: Path, no_browser: dict[str, str], published: Any
) -> None:
    folder = shared / "hubs" / "pytorchhub"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.md")}
    hubs.pytorchhub.files = dict(files)
    texts = {name.removesuffix(".md"): body.decode() for name, body in files.items() if body.startswith(b"---")}
    texts = {stem: text for stem, text in texts.items() if "/" not in stem}
    for text in texts.values():
        (full_name,) = re.findall(r"^github-id: *(\S+)", text, re.MULTILINE)
        hubs.serve(f"github.com/{full_name}", Repository([{"hubconf.py": full_name.encode()}]))
    done = pages(environment=no_browser, PYTORCHHUB_URL=f"{hubs.url}/hub")
    assert done.status == 0
    assert done.read("json/rejected.jsonl") == []
    listed = done.read("json/metadata/pyth_models_metadata.json")
    assert len(done.records) == len(listed) == len(texts) == 26
    assert all(tuple(each) == KEYS for each in listed)
    for record, model, stem in zip(done.records, listed, sorted(texts), strict=True):
        text = texts[stem]
        assert published.is_valid(record)
        assert model["ModelURL"] == record["ModelURL"] == f"{hubs.url}/hub/{stem}/"
        for key, field in (("ModelName", "title"), ("ModelAuthor", "author"), ("ModelDescription", "summary")):
            assert re.search(rf"^{field}: *\"?{re.escape(model[key])}", text, re.MULTILINE)
        assert f"github-link: {model['GitHubURL']}" in text
        assert set(record.get("ModelPaperDOIs", [])) == {
            f"10.48550/arXiv.{identifier}" for identifier in re.findall(r"arxiv\.org/(?:abs|pdf)/(\d+\.\d+)", text)
        }
        assert record["ModelTask"] in text
        assert (done.folder / "html" / "metadata" / "models" / f"{stem}.html").exists()
    assert sum("ModelPaperDOIs" in record for record in done.records) >= 24
    assert set(done.statuses.values()) == {"cloned"}
