"""Croissant describes the exports; mlcroissant validates it and loads records by it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def described(exported: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((exported / "croissant.json").read_text())
    return found


def test_files_have_their_digests(exported: Path, described: dict[str, Any]) -> None:
    files = {each["contentUrl"]: each["sha256"] for each in described["distribution"]}
    assert "ptmtorrent.sqlite" in files
    assert "fair4ml.jsonl" in files
    for name, digest in files.items():
        assert hashlib.sha256((exported / name).read_bytes()).hexdigest() == digest


def test_responsible_fields_say_what_is_true_of_the_tree(described: dict[str, Any]) -> None:
    missing = described["rai:dataCollectionMissingData"]
    assert "Not collected" not in missing
    assert "1 model of huggingface" in missing
    assert "version 0.1.0" in described["rai:dataCollection"]
    assert described["rai:dataCollectionTimeFrame"] == [
        "2026-01-01T00:00:00.000+00:00",
        "2026-01-01T01:00:00.000+00:00",
    ]
    assert described["prov:wasDerivedFrom"][0] == {"@id": "https://huggingface.example"}
