"""Pointer files, and git's attributes of LFS files."""

import subprocess
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.lfs import attributes
from ptmtorrent_scrapy.git.lfs.pointers import Pointer, parse, text

OID = b"0" * 63 + b"1"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + OID + b"\nsize 12\n"


def test_a_pointer_as_git_lfs_writes_it() -> None:
    pointer = parse(POINTER)
    assert pointer == Pointer(OID.decode(), 12)
    assert pointer.is_canonical
    assert text(pointer).encode() == POINTER


@pytest.mark.parametrize(
    "content",
    [
        POINTER.rstrip(b"\n"),
        POINTER.replace(b"\n", b"\r\n"),
        b"\n" + POINTER,
        POINTER.replace(b"git-lfs.github", b"hawser.github"),
        POINTER.replace(b"https://git-lfs.github.com/spec/v1", b"http://git-media.io/v/2"),
        POINTER.replace(b"oid", b"ext-0-x sha256:" + OID + b"\noid"),
        POINTER.replace(b"size 12", b"size 0"),
        POINTER.replace(b"size 12", b"size 012"),
    ],
)
def test_a_pointer_that_git_lfs_would_write_otherwise(content: bytes) -> None:
    pointer = parse(content)
    assert pointer is not None
    assert (pointer.oid, pointer.is_canonical) == (OID.decode(), False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        POINTER.replace(b"sha256", b"sha512"),
        POINTER.replace(b"size 12", b"size -1"),
        POINTER + b"more\n",
        b"# " + POINTER,
        POINTER.replace(b"http", b"ftp"),
    ],
)
def test_what_is_no_pointer(content: bytes) -> None:
    assert parse(content) is None


def test_attributes_hold_for_the_path_alone_and_keep_what_a_user_wrote(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    info = tmp_path / ".git" / "info" / "attributes"
    info.parent.mkdir(exist_ok=True)
    info.write_text("*.txt eol=lf\n")
    names = [
        *(b'a b/*"\n.bin', b"x[1]?.bin", "é漢.bin".encode(), b"!neg", b"#hash", b"back\\slash", b"\xff.bin", b" lead"),
        *(b"trail ", b"tab\t.x", b"[attr]"),
    ]
    attributes.cover(tmp_path, names)
    assert set(given(tmp_path, [*names, b"sub/!neg", b"xy1z.bin"])) == set(names)
    attributes.cover(tmp_path, names[:1])
    assert given(tmp_path, names) == names[:1]
    attributes.cover(tmp_path, [])
    assert info.read_text() == "*.txt eol=lf\n"


def given(repository: Path, names: list[bytes]) -> list[bytes]:
    """Return the names that git gives to git-lfs."""
    asked = b"".join(name + b"\0" for name in names)
    options = ("git", "check-attr", "-z", "--stdin", "filter")
    answer = subprocess.run(options, cwd=repository, input=asked, capture_output=True, check=True).stdout.split(b"\0")
    return [name for name, value in zip(answer[0::3], answer[2::3], strict=False) if value == b"lfs"]
