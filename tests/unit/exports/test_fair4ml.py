"""FAIR4ML is valid JSON-LD with the content of the records."""

import json
from pathlib import Path
from typing import Any

import pyld.jsonld
import pytest

from ptmtorrent_scrapy.exports.fair4ml import node
from tests.trees import BERT, COMMIT, PLAIN, TUNED, record


@pytest.fixture(scope="module")
def nodes(exported: Path) -> dict[str, Any]:
    """Return the nodes by their names; of models with one name the last."""
    lines = (exported / "fair4ml.jsonl").read_text().splitlines()
    return {line["schema:name"]: line for line in map(json.loads, lines)}


def test_base_models_are_exported(nodes: dict[str, Any]) -> None:
    tuned = nodes[TUNED]
    assert tuned["@id"] == f"https://huggingface.example/{TUNED}"
    assert [base["schema:name"] for base in tuned["fair4ml:fineTunedFrom"]] == [BERT, "org/unknown"]
    assert tuned["fair4ml:trainedOn"] == tuned["fair4ml:evaluatedOn"]
    assert tuned["fair4ml:trainedOn"][0]["schema:name"] == "squad"
    assert tuned["schema:license"] == [{"@id": "https://spdx.org/licenses/MIT"}]
    assert tuned["schema:conditionsOfAccess"] == "gated (manual)"
    assert tuned["schema:identifier"] == [f"swh:1:rev:{COMMIT}"]
    assert tuned["fair4ml:sharedBy"]["schema:name"] == "lab"


def test_cards_add_emissions_and_evaluations(nodes: dict[str, Any]) -> None:
    assert nodes[PLAIN]["fair4ml:hasCO2eEmissions"] == "12.5 g"
    (evaluation,) = nodes[BERT]["fair4ml:hasEvaluation"]
    assert (evaluation["fair4ml:evaluationMetrics"], evaluation["fair4ml:evaluationResults"]) == ("f1", "0.9")
    assert nodes[BERT]["codemeta:referencePublication"] == [{"@id": "https://doi.org/10.48550/arXiv.1810.04805"}]


@pytest.mark.parametrize("relation", ["quantized", "merge", None])
def test_what_is_not_fine_tuned_is_based_on(relation: str | None) -> None:
    made = node("huggingface", record(0, "a/b", ModelBaseModels=["c/d"], ModelBaseModelRelation=relation), {})
    assert "fair4ml:fineTunedFrom" not in made
    assert made["schema:isBasedOn"][0]["schema:name"] == "c/d"


def test_models_with_one_address_are_distinguished(exported: Path) -> None:
    found = record(0, "ResNet 50", hub="onnxmodelzoo")
    assert node("onnxmodelzoo", found, {})["@id"].endswith("#ResNet%2050")


def test_lines_are_expanded_by_pyld(nodes: dict[str, Any]) -> None:
    (expanded,) = pyld.jsonld.expand(nodes[TUNED])
    assert expanded["@type"] == ["https://w3id.org/fair4ml#MLModel"]
    assert len(expanded["https://w3id.org/fair4ml#fineTunedFrom"]) == 2
