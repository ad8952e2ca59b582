"""Models of Modelhub."""

import json
from typing import Any

import pytest

from ptmtorrent_scrapy.formats.raw_json import elements
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.modelhub import model, with_config

ENTRY = {"id": "1", "name": "squeezenet", "github": "https://github.com/modelhub-ai/squeezenet", "task_extended": "t"}
PAPER = {"url": "https://arxiv.org/abs/1602.07360", "bibtex": ""}
DOI = "10.48550/arXiv.1602.07360"


def entry(**fields: Any) -> Metadata:
    value = {**ENTRY, **fields}
    return Metadata(json.dumps(value), value)


@pytest.mark.parametrize("github", [None, "", 7, "file:///etc", "https://example.org"])
def test_an_entry_without_a_repository_is_no_model(github: Any) -> None:
    with pytest.raises(NotAModel, match=r"no repository|no name or no repository"):
        model(entry(github=github), Repositories())


@pytest.mark.parametrize(
    ("publication", "papers", "departures"),
    [
        (PAPER, [DOI], []),
        ([PAPER, {"bibtex": "doi = {10.1000/182}"}], [DOI, "10.1000/182"], []),
        ([PAPER, "x", "y", None], [DOI], ["publication.[] is a string", "publication.[] is a null"]),
        ("https://arxiv.org/abs/1602.07360", [], ["publication is a string"]),
        (7, [], ["publication is a number"]),
        (None, [], []),
        ([], [], []),
    ],
)
def test_publications_are_an_object_or_a_list(publication: Any, papers: list[str], departures: list[str]) -> None:
    config = json.dumps({"publication": publication, "model": {"architecture": "CNN"}})
    found, others = with_config(model(entry(), Repositories()), config)
    assert (found.papers, found.architecture, others) == (papers, "CNN", departures)


def test_a_byte_order_mark_and_line_ends_in_strings_cost_nothing() -> None:
    config = '\ufeff{"publication": {"url": "https://arxiv.org/abs/1602.07360", "bibtex": "@a{b,\n c}"}}'
    assert with_config(model(entry(), Repositories()), config)[0].papers == [DOI]
    assert [each.value for each in elements('\ufeff[{"a": 1}]')] == [{"a": 1}]


@pytest.mark.parametrize("text", ["", "{", "// x\n{}", '{"a": 1,}'])
def test_a_config_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|property name|Illegal"):
        with_config(model(entry(), Repositories()), text)
