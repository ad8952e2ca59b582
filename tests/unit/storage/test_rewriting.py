"""Files that are written again with some of their lines changed."""

from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.rewriting import rewrite_elements, rewrite_lines

ARRAY = b'[\n{"id":0},\n{"id":1}\n]\n'


def test_lines_are_changed_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"a\nb\nc\n")
    rewrite_lines(path, lambda line: {b"a\n": b"A\n", b"b\n": None}.get(line, line))
    assert path.read_bytes() == b"A\nc\n"
    assert [each.name for each in tmp_path.iterdir()] == ["x.jsonl"]


def test_elements_are_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(ARRAY)
    rewrite_elements(path, lambda element: element.replace(b"1", b"2"))
    assert path.read_bytes() == ARRAY.replace(b"1", b"2")


def test_nothing_is_written_where_no_element_changes(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(ARRAY)
    before = path.stat()
    rewrite_elements(path, lambda element: element)
    assert path.stat() == before
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(ARRAY)
    with pytest.raises(ZeroDivisionError):
        rewrite_elements(path, lambda element: element * (1 // 0))
    assert path.read_bytes() == ARRAY
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


def test_a_missing_file_stays_missing(tmp_path: Path) -> None:
    rewrite_lines(tmp_path / "x", lambda line: line)
    rewrite_elements(tmp_path / "x", lambda element: element)
    assert list(tmp_path.iterdir()) == []
