"""Edges between models carry their licences; contradictions are those of the rules, and marked in all outputs."""

import csv
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

from examples import lineage
from tests.conftest import ROOT
from tests.trees import record, write_hub

HOSTILE = 'a/<x>"&\x01$\\frac'


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    records = [
        record(0, "meta/base", ModelLicense="cc-by-nc-4.0"),
        record(1, "me/tuned", ModelLicense="mit", ModelBaseModels=["meta/base"], ModelBaseModelRelation="finetune"),
        record(2, HOSTILE, ModelBaseModels=["meta/base", "not/there"]),
        record(3, "me/both", ModelLicenseSPDX=["MIT", "CC-BY-NC-4.0"], ModelBaseModels=["meta/base"]),
    ]
    return write_hub(tmp_path / "data", records=records)


def test_edges_have_relation_licences_and_conflicts(hub: Path) -> None:
    edges = list(lineage.edges(hub / "json" / "huggingface.json"))
    assert [(edge.model, edge.base, edge.relation, bool(edge.conflict)) for edge in edges] == [
        ("me/tuned", "meta/base", "finetune", True),
        (HOSTILE, "meta/base", "", False),
        (HOSTILE, "not/there", "", False),
        ("me/both", "meta/base", "", False),  # its licences may mean "or"
    ]
    assert [edge.base_license for edge in edges[1:3]] == ["cc-by-nc-4.0", lineage.ABSENT]
    assert edges[1].model_license == lineage.NONE


@pytest.mark.parametrize(
    ("base", "model", "is_conflict"),
    [
        ("gpl-3.0", "MIT", True),
        ("MIT", "GPL-3.0", False),
        ("CC-BY-SA-4.0", "cc-by-4.0", True),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", False),
        ("llama3.1", "apache-2.0", True),
        ("llama3.1", "llama3.1", False),
        ("cc-by-nd-4.0", "cc-by-4.0", True),
        ("apache-2.0", "other", False),
        (lineage.ABSENT, "mit", False),
    ],
)
def test_rules_of_conflict(base: str, model: str, is_conflict: bool) -> None:
    assert bool(lineage.conflict(base, model)) == is_conflict


def test_the_command_writes_table_graph_and_pictures(hub: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, "-W", "error", ROOT / "examples" / "lineage.py", hub, "-o", tmp_path]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "4 edges, 1 with licences in conflict" in ended.stdout
    rows = list(csv.DictReader((tmp_path / "lineage.csv").read_text().splitlines()))
    assert [row["conflict"] for row in rows] == ["the base model forbids commercial use", "", "", ""]
    graph = networkx.read_graphml(tmp_path / "lineage.graphml")
    assert graph.nodes["meta/base"] == {"license": "cc-by-nc-4.0"}
    assert graph.edges["meta/base", "me/tuned"]["relation"] == "finetune"
    assert HOSTILE.replace("\x01", "\ufffd") in graph.nodes
    assert (tmp_path / "lineage.png").stat().st_size > 1000
    assert "licences contradict each other" in (tmp_path / "lineage.svg").read_text()


def test_a_hub_without_base_models_is_an_error(tmp_path: Path) -> None:
    hub = write_hub(tmp_path / "data", "modelhub", records=[record(0, "a/b")])
    command: list[str | Path] = [sys.executable, ROOT / "examples" / "lineage.py", hub, "-o", tmp_path]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no record of modelhub names a base model" in ended.stderr
