"""The page shows text of hubs as text, links only to the web, and allows only its own style."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ptmtorrent_scrapy.report.figures import tree_figures
from ptmtorrent_scrapy.report.page import report_page, shown, target
from tests.trees import crawl_line, record, write_hub

HOSTILE = '"><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>\u202e\x1b[2J{{ 7*7 }}'


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, name: str) -> set[str]:
        return {value or "" for attribute, value in self.attributes if attribute == name}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Return the page of a tree in which every text is hostile."""
    root = tmp_path_factory.mktemp("tree") / "<b>data"
    fields = ("ModelTask", "ModelLibrary", "ModelArchitecture", "ModelLicense", "ModelBaseModelRelation")
    records = [record(0, HOSTILE, **dict.fromkeys(fields, HOSTILE), ModelBaseModels=[HOSTILE])]
    records[0]["ModelHub"].update(ModelHubName=HOSTILE, ModelHubURL="javascript:alert(1)")
    repositories = [
        {"url": "javascript:alert(1)", "path": None, "status": HOSTILE, "error": HOSTILE},
        {"url": f"https://a.example/{HOSTILE}", "path": HOSTILE, "status": "cloned", "git_bytes": 5},
        {"url": "https://good.example/a/b", "path": "repos/a/b", "status": "cloned", "git_bytes": 4},
    ]
    crawl = crawl_line(
        problem=HOSTILE,
        reason=HOSTILE,
        version=HOSTILE,
        arguments={HOSTILE: HOSTILE},
        counts={"records": 1, "schema_changes": {HOSTILE: 1}},
    )
    rejected = [{"name": HOSTILE, "position": 1, "reason": HOSTILE, "detail": HOSTILE}]
    write_hub(root, records=records, repositories=repositories, crawls=[crawl, crawl], rejected=rejected)
    return Page(report_page(tree_figures(root)))


def test_hostile_text_is_shown_as_text(hostile: Page) -> None:
    assert "script" not in hostile.tags
    assert "img" not in hostile.tags
    assert "<script>alert(1)</script>" in hostile.words
    assert "{{ 7*7 }}" in hostile.words
    assert "\\u202e\\x1b[2J" in hostile.words
    assert not re.search("[\u202a-\u202e\x1b]", hostile.words)
    assert not [name for name, _ in hostile.attributes if name.startswith("on")]


def test_links_lead_to_the_web_or_into_the_page(hostile: Page) -> None:
    links = hostile.values("href") - {"data:,"}
    assert {link for link in links if not link.startswith(("#", "https://"))} == set()
    assert "https://good.example/a/b" in links
    assert hostile.values("rel") <= {"noreferrer noopener", "icon"}


def test_every_link_into_the_page_has_its_target(hostile: Page) -> None:
    assert {link[1:] for link in hostile.values("href") if link.startswith("#")} <= hostile.values("id")


def test_the_policy_allows_nothing_but_the_page_s_style(hostile: Page) -> None:
    (policy,) = (value for value in hostile.values("content") if value.startswith("default-src"))
    assert re.fullmatch(
        "default-src 'none'; style-src 'sha256-[^']{44}'; img-src data:; base-uri 'none'; form-action 'none'", policy
    )
    assert "style" not in {name for name, _ in hostile.attributes}


def test_numbers_agree_with_what_is_counted(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(0, "a/b", ModelBaseModels=["a/c"]), record(1, "a/d", ModelTask="ner")])
    crawls = [crawl_line("huggingface_spaces", counts={"models": 1, "records": None})]
    write_hub(tmp_path, "huggingface_spaces", records=None, objects={"hfs_metadata.json": []}, crawls=crawls)
    words = " ".join(Page(report_page(tree_figures(tmp_path))).words.split())
    assert "2 hubs, 2 models, 1 space, 2 records, 0 complete clones" in words
    assert "1 model names a base model; it forms 1 family." in words
    assert "1 model has none." in words
    assert "Hugging Face spaces complete" in words


def test_long_texts_are_cut_and_odd_urls_are_not_linked() -> None:
    assert shown("x" * 5000) == "x" * 200 + "..."
    assert target("https://user@host.example") is None
    assert target("https://[") is None
    assert target("data:text/html,x") is None
