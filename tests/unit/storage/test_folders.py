"""Folders of any depth."""

import os
from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.folders import remove, walk


def deep(top: Path, levels: int, name: str) -> None:
    """Make nested folders, in steps without long paths."""
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
def test_a_deep_folder_is_removed(folder: Path, levels: int, name: str) -> None:
    top = folder / "top"
    (top / "~0").mkdir(parents=True)
    (top / "link").symlink_to(folder)
    deep(top / "~0", levels, name)
    deep(top, levels, name)
    (folder / "beside").write_text("stays")
    remove(top)
    assert [path.name for path in folder.iterdir()] == ["beside"]


def test_a_deep_folder_is_walked(folder: Path) -> None:
    deep(folder, 1500, "x")
    (folder / "link").symlink_to(folder)
    found = list(walk(folder))
    assert len(found) == 1501
    assert found[0] == (str(folder), ["x"], ["link"])
    remove(folder / "x")
    assert list(walk(folder)) == [(str(folder), [], ["link"])]


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    remove(tmp_path / "absent")
    assert list(walk(tmp_path / "absent")) == []
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    remove(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
