"""Scratch folders are removed, also those of processes that were killed."""

import os
import time
from pathlib import Path

from ptmtorrent_scrapy.storage.scratch import remove_left, scratch_folder


def test_a_folder_is_removed_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "huggingface").mkdir()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_runs_is_kept(tmp_path: Path) -> None:
    left = tmp_path / ".plan~killed"
    (left / "huggingface").mkdir(parents=True)
    (left / ".plan~lock").touch()
    with scratch_folder(tmp_path) as running:
        assert not left.exists()
        remove_left(tmp_path)
        assert running.is_dir()


def test_a_folder_that_is_only_just_made_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".plan~new").mkdir()
    remove_left(tmp_path)
    assert (tmp_path / ".plan~new").is_dir()
    os.utime(tmp_path / ".plan~new", times=(time.time() + 86400,) * 2)  # from a clock that was ahead
    remove_left(tmp_path)
    assert not (tmp_path / ".plan~new").exists()
