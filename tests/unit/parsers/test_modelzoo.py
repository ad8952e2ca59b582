"""Models of ModelZoo."""

import json
from typing import Any

import pytest

from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.modelzoo import described, entries, model, page_path, slug

ENTRY = Metadata("{}", {"slug": "owl", "title": "Owl", "stars": 3})
PAGE = {"title": "The Owl", "link": "https://github.com/o/n/tree/main/x", "categories": [{"title": "Vision"}, None]}


def test_a_page_becomes_a_model() -> None:
    found = model(described(ENTRY, "\ufeff" + json.dumps(PAGE), "https://zoo/owl"), Repositories())
    assert (found.key, found.name, found.repository, found.task) == (
        "owl",
        "The Owl",
        "https://github.com/o/n",
        "Vision",
    )
    assert (found.likes, found.url) == (3, "https://github.com/o/n/tree/main/x")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<html>", "no page"),
        ("[]", "no page"),
        (json.dumps({**PAGE, "title": None}), "no name"),
        (json.dumps({**PAGE, "link": None}), "no repository"),
        (json.dumps({**PAGE, "link": "https://github.com/o"}), "no repository"),
    ],
)
def test_a_page_that_is_no_model(page: str, reason: str) -> None:
    with pytest.raises(NotAModel) as raised:
        model(described(ENTRY, page, "https://zoo/owl"), Repositories())
    assert raised.value.reason == reason


@pytest.mark.parametrize("name", [None, "", "..", "a/b", 7])
def test_a_slug_that_cannot_be_a_file(name: Any) -> None:
    with pytest.raises(NotAModel, match=r"no slug|unusable name"):
        page_path(slug(Metadata("{}", {"slug": name})))


def test_the_index() -> None:
    assert [slug(each) for each in entries('\ufeff{"models": [{"slug": "a"}, null]}')] == ["a", None]
    with pytest.raises(ValueError, match="models"):
        entries("{}")
