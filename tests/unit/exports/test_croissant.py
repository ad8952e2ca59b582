"""Croissant describes the exports; mlcroissant validates it and loads records by it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.exports.export import Export
from tests.trees import crawl_line, record, write_hub


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


def test_invalid_times_are_skipped(tmp_path: Path) -> None:
    crawls = [crawl_line(), crawl_line(started="2026-W05-1T00:00:00Z"), crawl_line(started="'; --")]
    write_hub(tmp_path, records=[record(0, "org/a")], crawls=crawls)
    Export(Catalog(tmp_path).hubs(), tmp_path / "exports").run(["croissant"])
    told = json.loads((tmp_path / "exports" / "croissant.json").read_text())
    assert (told["datePublished"], told["version"]) == ("2026-01-01", "2026.1.1")


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
