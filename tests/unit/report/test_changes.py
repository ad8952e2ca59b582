"""Changes between states are counted, and the first of each kind are listed."""

import gzip
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.report.changes import MOST, last_changes
from ptmtorrent_scrapy.report.page import diff_page
from ptmtorrent_scrapy.storage.tree import DataTree
from tests.trees import record, write_hub


def snapshot(root: Path, records: list[Any]) -> None:
    """Write these records, and make them a snapshot."""
    hub = write_hub(root, records=records)
    folder = hub / "snapshots" / "20260101T000000Z"
    folder.mkdir(parents=True)
    (folder / "huggingface.json.gz").write_bytes(gzip.compress((hub / "json" / "huggingface.json").read_bytes()))


def test_a_tree_without_snapshots_has_no_changes(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(0, "a/b")])
    assert last_changes(DataTree(tmp_path, "huggingface"), 3) is None


def test_a_hub_with_too_many_records_is_not_compared(tmp_path: Path) -> None:
    snapshot(tmp_path, [record(0, "a/b")])
    assert last_changes(DataTree(tmp_path, "huggingface"), MOST) is not None
    assert last_changes(DataTree(tmp_path, "huggingface"), MOST + 1) is None


def test_changes_are_counted_by_kind_and_field(tmp_path: Path) -> None:
    snapshot(tmp_path, [record(0, "a/gone"), record(1, "a/same", ModelDownloads=1), record(2, "a/new-task")])
    new = [record(0, "a/same", ModelDownloads=2), record(1, "a/new-task", ModelTask="<i>ner"), record(2, "a/added")]
    write_hub(tmp_path, records=new)
    found = last_changes(DataTree(tmp_path, "huggingface"), 3)
    assert found is not None
    assert (found.counts, found.only_counted) == ({"added": 1, "removed": 1, "changed": 1}, 1)
    assert found.fields == {"ModelTask": 1, "ModelDownloads": 1}
    page = diff_page("huggingface", found)
    assert "a/added" in page
    assert "&lt;i&gt;ner" in page
    assert "<i>" not in page
