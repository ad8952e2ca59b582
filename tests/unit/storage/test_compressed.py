"""Compressed files are read back unchanged, and a damaged one is never read as a shorter one."""

import gzip
from pathlib import Path

import pytest

from ptmtorrent_scrapy.storage.compressed import DAMAGED, compressed, reading, writing

CONTENT = b"".join(b"line %d\n" % number for number in range(100_000))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return a compressed file."""
    path = compressed(tmp_path / "records.json")
    with writing(path) as file:
        for position in range(0, len(CONTENT), 9_999):
            file.write(CONTENT[position : position + 9_999])
    return path


def test_content_is_read_back(written: Path) -> None:
    with reading(written) as file:
        assert file.readline() == b"line 0\n"
        assert file.read() == CONTENT[7:]
    assert written.stat().st_size * 2 < len(CONTENT)


@pytest.mark.parametrize("kept", [0, 5, 0.5, -1])
def test_a_cut_file_is_damaged(written: Path, kept: float) -> None:
    body = written.read_bytes()
    written.write_bytes(body[: int(len(body) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(DAMAGED), reading(written) as file:
        file.read()


def test_a_changed_file_is_damaged(written: Path) -> None:
    body = bytearray(written.read_bytes())
    body[len(body) // 2] ^= 0xFF
    written.write_bytes(body)
    with pytest.raises(DAMAGED), reading(written) as file:
        file.read()


def test_files_of_earlier_versions_are_read(tmp_path: Path) -> None:
    (tmp_path / "records.json.gz").write_bytes(gzip.compress(CONTENT))
    with reading(compressed(tmp_path / "records.json")) as file:
        assert file.read() == CONTENT
