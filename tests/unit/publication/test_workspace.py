"""The folder in which a package is made, and its use by a later run."""

import os
from pathlib import Path

import pytest

from ptmtorrent_scrapy.publication.bag import CannotStart
from ptmtorrent_scrapy.publication.files import Entry, copy, of_file, place
from ptmtorrent_scrapy.publication.workspace import Workspace


def entry(path: Path, *, is_final: bool = True) -> Entry:
    found = of_file("data/x", path, is_final=is_final)
    assert found is not None
    return found


def test_a_large_file_is_read_once_for_all_runs(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * (1 << 20))
    work = Workspace(tmp_path / "package")
    with work.open():
        work.remember(entry(file), "digest")
        (work.bag / "made").touch()
    with work.open():
        assert work.known_digest(entry(file)) == "digest"
        os.link(file, tmp_path / "linked")  # which changes the file's ctime only
        assert work.known_digest(entry(file)) == "digest"
        file.write_bytes(b"y" * (1 << 20))
        os.utime(file, ns=(0, 0))
        assert work.known_digest(entry(file)) is None


def test_work_of_another_state_is_removed(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "package")
    with work.open():
        work.begin("one")
        (work.bag / "made").touch()
    with work.open():
        work.begin("one")
        assert (work.bag / "made").exists()
        work.begin("two")
        assert not (work.bag / "made").exists()
    assert not list(tmp_path.glob(".package~package"))  # it contains nothing useful


def test_a_database_that_a_power_cut_has_damaged(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "package")
    with work.open():
        (work.bag / "made").touch()
    (work.folder / "work.sqlite").write_bytes(b"no database " * 1000)
    with work.open():
        work.begin("one")


def test_a_finished_package_takes_its_place(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "package")
    with work.open():
        (work.bag / "made").touch()
        with pytest.raises(CannotStart, match=f"is being written by process {os.getpid()}"), work.open():
            pass
        work.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
    with pytest.raises(CannotStart, match="exists"), work.open():
        pass


def test_only_unchanging_large_files_are_linked(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x")
    large.write_bytes(b"x" * 100_000)
    for number, (source, is_final, may_link, expected) in enumerate(
        [
            (large, True, True, True),
            (large, False, True, False),
            (large, True, False, False),
            (small, True, True, False),
        ]
    ):
        target = tmp_path / "bag" / str(number)
        for _ in range(2):  # a run that continues finds the file there
            place(entry(source, is_final=is_final), target, may_link=may_link)
        assert target.samefile(source) is expected
        assert target.read_bytes() == source.read_bytes()


def test_a_link_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("secret")
    assert of_file("data/x", tmp_path / "link") is None
    with pytest.raises(OSError, match="symbolic links"):
        copy(tmp_path / "link", tmp_path / "copy")
