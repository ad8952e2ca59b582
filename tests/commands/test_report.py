"""The report of a crawled tree is read in a real browser; a crawl writes it if `REPORT` is set."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from ptmtorrent_scrapy.downloadhandlers import chromium_program
from tests import processes
from tests.conftest import ROOT, Start
from tests.trees import crawl_line, record, write_hub

HOSTILE = '<script>document.title="run"</script><img src="https://evil.example/x">'


def scrapy(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scrapy", *map(str, words)]
    return processes.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@dataclass
class Seen:
    """What a browser did with a page."""

    title: str
    text: str
    width: int  # of the page, in pixels
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if (path := chromium_program.find()) is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def see(browser: Browser, page: Path, **options: Any) -> Seen:
    """Open a page as a reader does, then again for axe-core, which the page's policy would block."""
    context = browser.new_context(**options)
    tab = context.new_page()
    requests: list[str] = []
    messages: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.goto(page.as_uri())
    width = int(tab.evaluate("document.documentElement.scrollWidth"))
    seen = Seen(tab.title(), tab.inner_text("body"), width, requests, messages)
    context.close()
    context = browser.new_context(**options, bypass_csp=True)
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    seen.violations = [f"{each['id']}: {each['help']}" for each in Axe().run(tab).response["violations"]]
    context.close()
    return seen


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the report of a tree with two hubs, and a page of changes; both have hostile names."""
    root = tmp_path_factory.mktemp("tree") / "data"
    records = [
        record(number, f"owner/{HOSTILE}{number}", ModelTask=HOSTILE, ModelLicense="mit", ModelDownloads=7**number)
        for number in range(9)
    ]
    records[1].update(ModelBaseModels=[records[0]["ModelName"]], ModelBaseModelRelation="finetune")
    repositories = [
        {"url": f"https://a.example/{number}", "path": f"repos/a/{HOSTILE}", "status": status, "git_bytes": number,
         "error": HOSTILE} for number, status in enumerate(("cloned", "partial", "gated", HOSTILE))
    ]  # fmt: skip
    counts = {"models": 9, "records": 9, "rejected": {"no commit": 1}, "schema_changes": {HOSTILE: 2}}
    crawls = [crawl_line(counts={**counts, "models": 5}), crawl_line(started="2026-02-01T00:00:00Z", counts=counts)]
    rejected = [{"name": HOSTILE, "position": 9, "reason": "no commit", "detail": HOSTILE}]
    hub = write_hub(root, records=records[:5], crawls=crawls)
    snapshot = hub / "snapshots" / "20260101T000000Z"
    snapshot.mkdir(parents=True)
    compressed = subprocess.run(["gzip", "-c", hub / "json" / "huggingface.json"], capture_output=True, check=True)
    (snapshot / "huggingface.json.gz").write_bytes(compressed.stdout)
    write_hub(root, records=records[1:], crawls=crawls, rejected=rejected, repositories=repositories)
    write_hub(root, "modelhub", records=[record(0, "a/b", hub="modelhub")])
    assert scrapy("report", "-s", f"DATA_DIR={root}").returncode == 0
    assert scrapy("diff", "huggingface", "--html", root / "changes.html", "-s", f"DATA_DIR={root}").returncode == 0
    return root / "report" / "index.html", root / "changes.html"


@pytest.mark.parametrize(
    ("number", "scheme", "width"),
    [(0, "light", 1280), (0, "dark", 390), (1, "dark", 1280), (1, "light", 390)],
    ids=["report", "report on a phone", "diff", "diff on a phone"],
)
def test_a_browser_shows_the_page_without_requests(
    browser: Browser, pages: tuple[Path, Path], number: int, scheme: str, width: int
) -> None:
    page = pages[number]
    seen = see(browser, page, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert seen.requests == [page.as_uri()]
    assert seen.messages == []
    assert seen.violations == []
    assert seen.width == width
    assert seen.title != "run"
    assert HOSTILE in seen.text


def test_the_report_can_be_used_by_keyboard_and_printed(browser: Browser, pages: tuple[Path, Path]) -> None:
    tab = browser.new_page()
    tab.goto(pages[0].as_uri())
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.locator("summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open")
    tab.emulate_media(media="print")
    assert tab.locator("nav").is_hidden()
    assert tab.pdf().startswith(b"%PDF")
    tab.close()


def test_the_page_and_its_json_say_the_same(pages: tuple[Path, Path]) -> None:
    figures = json.loads((pages[0].parent / "report.json").read_bytes())
    huggingface, modelhub = figures["hubs"]
    assert (huggingface["models"], huggingface["records"]["records"], huggingface["rejections"]["total"]) == (9, 8, 1)
    assert huggingface["changes"]["counts"] == {"added": 4, "removed": 1, "changed": 0}
    assert (huggingface["is_complete"], modelhub["is_complete"]) == (False, True)
    page = pages[0].read_text()
    assert "1 of 4 repositories is not complete; crawl again" in page
    assert page.count('<svg viewBox="0 0 360 190" role="img"') == 1


def test_an_error_of_the_report_is_one_line(tmp_path: Path) -> None:
    write_hub(tmp_path / "data")
    ended = scrapy("report", "nohub", "-s", f"DATA_DIR={tmp_path / 'data'}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        f"scrapy report: 'nohub' is not a hub in {tmp_path / 'data'}; choose from huggingface"
    ]
    (tmp_path / "file").touch()
    ended = scrapy("report", "-o", tmp_path / "file", "-s", f"DATA_DIR={tmp_path / 'data'}")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


def test_a_bar_is_shown_on_a_terminal(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(number, f"a/{number}") for number in range(20_000)])
    terminal, ours = pty.openpty()
    command = [sys.executable, "-m", "scrapy", "report", "-s", f"DATA_DIR={tmp_path}"]
    with processes.Popen(command, cwd=ROOT, stderr=ours, stdout=subprocess.DEVNULL) as process:
        os.close(ours)
        shown = b""
        try:
            while piece := os.read(terminal, 4096):
                shown += piece
        except OSError:  # the terminal's other end was closed
            pass
        assert process.wait() == 0
    os.close(terminal)
    assert b"huggingface: records" in shown
    assert b"20,000 of 20,000" in shown


def test_a_crawl_writes_the_report_where_the_setting_says_so(crawl: Start, folder: Path) -> None:
    assert crawl("huggingface", fraction=0, REPORT=True).status == 0
    (hub,) = json.loads((folder / "data" / "report" / "report.json").read_bytes())["hubs"]
    assert (hub["records"]["records"], hub["crawl"]["reason"], hub["is_complete"]) == (60, "finished", True)
    assert not list((folder / "data" / "report").glob(".*"))
