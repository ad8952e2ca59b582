"""Records and their sources."""

import json
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.formats.raw_json import count, elements, string
from ptmtorrent_scrapy.items import Dataset, Metadata, Model
from ptmtorrent_scrapy.records.record import RecordHub, record, with_clone
from ptmtorrent_scrapy.records.validator import Validator, schema
from ptmtorrent_scrapy.spiders.huggingface import HuggingFaceSpider

HUB = RecordHub(name="Hub", url="https://hub.example", metadata_path="data/hub/json/metadata/hub.json")


def model(**fields: Any) -> Model:
    required = {"key": "a/b", "metadata": Metadata("{}", {}), "name": "a/b", "owner": "a", "commit": "1" * 40}
    urls = {"url": "https://hub.example/a/b", "owner_url": "https://hub.example/a", "position": 0}
    return Model(**{**required, **urls, **fields})


def test_the_published_schema_is_the_published_schema(shared: Path) -> None:
    assert schema("ptmtorrent-2023") == json.loads((shared / "schemas" / "ptmtorrent-2023.json").read_text())


def test_unknown_fields_are_absent() -> None:
    made = record(model(), HUB)
    assert set(made) == {
        *("id", "ModelHub", "ModelName", "ModelOwner", "ModelURL", "ModelOwnerURL", "LatestGitCommitSHA"),
    }
    assert Validator().problem(made) is None


def test_a_record_with_every_field() -> None:
    dataset = Dataset(
        name="imdb",
        owner="stanford",
        url="https://d.example/imdb",
        owner_url="https://d.example",
        paper="10.1000/1",
        usages=["train"],
    )
    full = model(
        task="fill-mask",
        architecture="bert",
        papers=["10.48550/arXiv.1810.04805"],
        datasets=[dataset],
        dataset_mentions=["news of ours"],
        repository="https://hub.example/a/b",
        license="mit",
        license_url="https://hub.example/a/b/blob/main/LICENSE",
        license_spdx=["MIT"],
        library="transformers",
        downloads=0,
        downloads_all_time=7,
        gated=False,
        disabled=False,
        private=True,
        likes=3,
        tags=["bert"],
        languages=["en"],
        base_models=["a/c"],
        base_model_relation="adapter",
        created="2022-03-02T23:29:05.000Z",
        modified="2022-03-02T23:29:05.000Z",
        parameters=10,
        bytes=20,
    )
    made = with_clone(record(full, HUB), "repos/a/b", 21)
    assert set(made) == set(schema("record")["properties"])
    assert set(made["Datasets"][0]) == set(schema("record")["properties"]["Datasets"]["items"]["properties"])
    assert (made["ModelDownloads"], made["ModelGated"], made["ModelBytes"]) == (0, False, 21)
    assert Validator().problem(made) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ModelName", ""),
        ("ModelURL", "hub.example/a"),
        ("LatestGitCommitSHA", "1" * 39),
        ("LatestGitCommitSHA", "G" * 40),
        ("ModelPaperDOIs", []),
        ("ModelPaperDOIs", ["https://doi.org/10.1000/1"]),
        ("ModelTags", ["a", "a"]),
        ("ModelCreated", "yesterday"),
        ("ModelDownloads", -1),
        ("ModelDownloads", "3"),
        ("ModelTask", None),
        ("Other", 1),
    ],
)
def test_what_makes_a_record_invalid(field: str, value: Any) -> None:
    problem = Validator().problem({**record(model(), HUB), field: value})
    assert problem
    assert "\n" not in problem


@pytest.mark.parametrize("text", ["", "{}", "[", "[1", "[1,]", "[1] 2", "[1 2]", '["', "null", "<html>"])
def test_what_is_no_array(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated"):
        elements(text)


def test_arrays() -> None:
    text = ' [ {"a": [1, "]"]} ,\n1e5, null,"\\u00e9" , [] ] \n'
    assert [element.text for element in elements(text)] == ['{"a": [1, "]"]}', "1e5", "null", '"\\u00e9"', "[]"]
    assert elements("[]") == elements(" [ ] ") == []
    assert elements(f"[{'9' * 5000}]")[0].text == "9" * 5000


def test_an_element_that_is_no_json_costs_itself() -> None:
    before, between, after = elements(f"[1, NaN, {'[' * 100_000}{']' * 100_000}]")
    assert (before.value, between.fault, after.fault) == (1, "NaN is not JSON", "nested too deep")


def test_values_of_other_types() -> None:
    values: tuple[object, ...] = (None, 3, [], {}, "", "  ", " a ", "\ud800")
    assert [string(value) for value in values] == [*[None] * 6, "a", "?"]
    assert [count(value) for value in (None, True, -1, 1.5, "3", 2**63, 0, 7)] == [*[None] * 6, 0, 7]


@pytest.mark.parametrize("value", [None, 0, True, "text", [], [None, 3, {}], {}, {"a": 1}, [[["x"]]], 1e400, "\ud800"])
def test_any_field_may_be_anything(value: Any) -> None:
    spider = HuggingFaceSpider()
    spider.hub_url = "https://huggingface.co"
    fields = [*schema("huggingface")["properties"], "unknown"]
    listed = {**dict.fromkeys(fields, value), "id": "a/b"}
    for each in (
        listed,
        {**listed, "cardData": dict.fromkeys(("license", "datasets", "language", "base_model"), value)},
    ):
        made = spider.model(Metadata("", each))
        made.position, made.commit = 0, "1" * 40
        assert Validator().problem(record(made, HUB)) is None
