"""Columns of models: an invalid value in a record affects only that value."""

from typing import Any

import pytest

from ptmtorrent_scrapy.exports.sqlite.batch import Batch
from tests.trees import record


def filled(*fields: dict[str, Any]) -> Batch:
    """Return the columns of records with these fields, whose models have the ids from 7 on."""
    batch = Batch(7)
    batch.fill([record(number, f"org/m{number}", **each) for number, each in enumerate(fields)])
    return batch


@pytest.mark.parametrize("odd", [3, ["list"], {}, True, 1.5])
def test_a_value_of_another_type_is_missing(odd: Any) -> None:
    batch = filled({"ModelTask": "fill-mask"}, {"ModelTask": odd}, {})
    assert batch.columns["ModelTask"] == ["fill-mask", None, None]


def test_a_nul_is_replaced() -> None:
    batch = filled({"ModelTask": "a\0b", "ModelLibrary": "plain"})
    assert batch.columns["ModelTask"] == ["a\ufffdb"]
    assert batch.columns["ModelLibrary"] == ["plain"]


def test_a_number_of_more_than_64_bits_is_missing() -> None:
    assert filled({"ModelLikes": 2**63}, {"ModelLikes": 5}).columns["ModelLikes"] == [None, 5]


@pytest.mark.parametrize(
    ("odd", "names"),
    [
        (["b", ["deep"], "c"], ["b", "c"]),
        (["b", "b"], ["b"]),
        (["", " ", "b", None, "x" * 5000], ["b"]),
        (["nul\0"], ["nul\ufffd"]),
        ("text", []),
        (None, []),
    ],
)
def test_lists_keep_the_names_in_them(odd: Any, names: list[str]) -> None:
    tags = filled({"ModelTags": ["a", "b"]}, {"ModelTags": odd}, {"ModelTags": []}).lists["ModelTags"]
    assert [*tags.pairs()] == [(7, "a"), (7, "b"), *((8, name) for name in names)]


def test_a_dataset_that_is_named_twice_is_one_with_all_its_uses() -> None:
    twice = [{"DatasetName": "d", "DatasetUsages": ["train"]}, 5, {"DatasetName": "d", "DatasetUsages": ["eval", 3]}]
    batch = filled({"Datasets": twice}, {"Datasets": [{"DatasetName": "e"}, {"DatasetUsages": ["train"]}]})
    assert [*batch.datasets.pairs()] == [(7, "d"), (8, "e")]
    assert [*batch.usages.pairs()] == [(7, "train"), (7, "eval")]
    assert batch.used == ["d", "d"]


def test_a_library_is_the_framework_of_a_model_without_a_tag_of_one() -> None:
    batch = filled({"ModelLibrary": "l"}, {"ModelLibrary": "l", "ModelTags": ["x", "onnx"]}, {"ModelTags": ["jax"]})
    assert [*batch.joined()["framework"].pairs()] == [(7, "l"), (8, "onnx"), (9, "jax")]
    assert [*batch.joined()["library"].pairs()] == [(7, "l"), (8, "l")]


def test_licenses_are_taken_apart() -> None:
    assert [*filled({"ModelLicense": "mit, mit, gpl"}).joined()["license"].pairs()] == [(7, "mit"), (7, "gpl")]
