"""Models of PyTorch Hub."""

import re
from pathlib import Path

import pytest

from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Model
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.pytorchhub import described, model, model_page

FRONT = {
    "title": "ResNet",
    "author": "Team",
    "summary": "A net",
    "github-id": "pytorch/vision",
    "github-link": "https://github.com/pytorch/vision/blob/main/resnet.py",
    "tags": "[vision, scriptable]",
}


def of_page(**front: str | None) -> Model:
    """Return the model of a page with changed or removed front matter."""
    lines = [f"{name}: {value}" for name, value in {**FRONT, **front}.items() if value is not None]
    page = model_page("pytorch_vision_resnet.md", "\n".join(["---", *lines, "---", "https://arxiv.org/abs/1512.03385"]))
    assert page is not None
    return model(described(0, page, "https://hub/pytorch_vision_resnet/"), page, Repositories())


def test_a_page_becomes_a_model() -> None:
    found = of_page()
    assert (found.key, found.name, found.owner) == ("pytorch_vision_resnet", "ResNet", "Team")
    assert (found.repository, found.folder) == ("https://github.com/pytorch/vision", "pytorch/vision")
    assert (found.task, found.tags, found.papers) == (
        "vision",
        ["vision", "scriptable"],
        ["10.48550/arXiv.1512.03385"],
    )


def test_the_link_names_the_repository_where_the_id_does_not() -> None:
    assert of_page(**{"github-id": None}).repository == "https://github.com/pytorch/vision"


def test_the_owner_is_the_repository_s_without_an_author() -> None:
    assert of_page(author=None).owner == "pytorch"


@pytest.mark.parametrize(
    ("front", "reason"), [({"title": None}, "no name"), ({"github-id": None, "github-link": "x"}, "no repository")]
)
def test_a_page_that_is_no_model(front: dict[str, str | None], reason: str) -> None:
    with pytest.raises(NotAModel) as raised:
        of_page(**front)
    assert raised.value.reason == reason


def test_recorded_pages_are_models(shared: Path) -> None:
    texts = {path.name: path.read_text() for path in (shared / "hubs" / "pytorchhub").glob("*.md")}
    pages = [page for name, text in sorted(texts.items()) if (page := model_page(name, text))]
    assert pages
    repositories = Repositories()
    for number, page in enumerate(pages):
        found = model(described(number, page, f"https://pytorch.org/hub/{page.stem}/"), page, repositories)
        assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", found.repository or "")
        assert found.tags
