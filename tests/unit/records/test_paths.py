"""The paths of clones in the records."""

import json
import logging
from pathlib import Path

import pytest

from ptmtorrent_scrapy.records.paths import set_repository_paths
from ptmtorrent_scrapy.storage.tree import DataTree


def test_records_have_the_paths_of_the_clones_that_exist(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    tree = DataTree(tmp_path, "hub")
    tree.repositories.parent.mkdir(parents=True)
    paths = {"a": "repos/o/a", "gated": None}
    lines = [json.dumps({"url": f"https://hub/o/{name}", "path": path}) for name, path in paths.items()]
    tree.repositories.write_text("".join(f"{line}\n" for line in lines))
    records = [{"ModelRepositoryURL": f"https://hub/o/{name}", "ModelRepositoryPath": "old"} for name in paths]
    tree.records.write_text("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")
    set_repository_paths(tree)
    found = json.loads(tree.records.read_text())
    assert [record.get("ModelRepositoryPath") for record in found] == ["repos/o/a", None]
    assert not caplog.records  # a repository without a clone is no fault
