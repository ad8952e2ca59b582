"""Folders of any depth."""

import os
from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.folders import remove, walk


def deep(top: Path, levels: int, name: str) -> None:
    """Make folders in each other, in steps that need no long path."""
    before = Path.cwd()
    try:
        os.chdir(top)
        for level in range(levels):
            Path(name).mkdir()
            os.chdir(name)
            Path("file").write_text(str(level))
    finally:
        os.chdir(before)


@pytest.mark.parametrize(("levels", "name"), [(3000, "x"), (60, "y" * 200)])
def test_a_deep_folder_is_removed(tmp_path: Path, levels: int, name: str) -> None:
    top = tmp_path / "top"
    (top / "~0").mkdir(parents=True)
    (top / "link").symlink_to(tmp_path)
    deep(top / "~0", levels, name)
    deep(top, levels, name)
    (tmp_path / "beside").write_text("stays")
    remove(top)
    assert [path.name for path in tmp_path.iterdir()] == ["beside"]


def test_a_deep_folder_is_walked(tmp_path: Path) -> None:
    deep(tmp_path, 1500, "x")
    (tmp_path / "link").symlink_to(tmp_path)
    found = list(walk(tmp_path))
    assert len(found) == 1501
    assert found[0] == (str(tmp_path), ["x"], ["link"])
    remove(tmp_path / "x")
    assert list(walk(tmp_path)) == [(str(tmp_path), [], ["link"])]


def test_what_is_no_folder(tmp_path: Path) -> None:
    remove(tmp_path / "absent")
    assert list(walk(tmp_path / "absent")) == []
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    remove(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
