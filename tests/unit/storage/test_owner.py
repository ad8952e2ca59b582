"""The owner of a data tree."""

import os
from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.owner import other_owner, user


def test_a_tree_of_this_user(tmp_path: Path) -> None:
    assert other_owner([tmp_path / "absent", tmp_path]) is None


def test_a_tree_of_another_user(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    (tmp_path / "hub").mkdir()
    os.chown(tmp_path / "hub", 12345, 12345)
    said = other_owner([tmp_path, tmp_path / "hub"])
    assert said == f"hub belongs to user 12345, but this program runs as {user(0)}"
