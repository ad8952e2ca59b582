"""A file that cannot be written leaves the old one, and nothing else."""

import resource
from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile, write


def test_a_disk_that_fails_at_the_end_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(path, b"new" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"old")]


def test_a_sealed_file_only_has_to_be_renamed(tmp_path: Path) -> None:
    array, file = JsonArrayFile(tmp_path / "array"), AtomicFile(tmp_path / "file")
    array.append(b"1")
    file.file.write(b"x")
    for each in (array, file):
        each.seal()
        each.seal()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".array~new", ".file~new"]
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    for each in (array, file):
        each.commit()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["array", "file"]
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before == [b"[\n1\n]\n", b"x"]
