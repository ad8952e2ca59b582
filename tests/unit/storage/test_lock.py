"""Locks are released, whatever happened to their file."""

from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.lock import LockHeld, lock


def test_a_lock_names_its_holder_and_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path, note="process 7 on node3"), pytest.raises(LockHeld, match="process 7 on node3"), lock(path):
        pass
    with lock(path):
        pass
    assert not path.exists()


def test_a_file_that_cannot_be_removed_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path):
        path.unlink()
        path.mkdir()
    assert path.is_dir()
