"""Manifests, fetch lists and the names that they can contain."""

from pathlib import Path

import pytest

from ptmtorrent_scrapy.publication import bag
from ptmtorrent_scrapy.publication.bag import BagError, Fetch

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/a/b c.txt", True),
        ("data/\u00e9t\u00e9.txt", True),
        ("data/100%.txt", False),
        ("data/end ", False),
        ("data/e\u0301te\u0301.txt", False),  # not in the composed form
        ("data/line\nend", False),
        ("data/back\\slash", False),
        ("data/\udcff", False),  # a byte that is not UTF-8
        ("data/\u202egpj.exe", False),  # turns the direction of the text
    ],
)
def test_names_that_all_tools_read_in_the_same_way(path: str, expected: bool) -> None:
    assert bag.is_baggable(path) is expected


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest-sha256.txt"
    path.write_bytes(bag.manifest_line(DIGEST, "data/a b.txt") + f"{DIGEST.upper()} *data/c%0Ad%25\r\n\n".encode())
    with pytest.raises(BagError, match="not plain"):  # what RFC 8493 encodes is decoded, and then judged
        list(bag.read_manifest(path))
    path.write_bytes(bag.manifest_line(DIGEST, "data/a b.txt") + f"{DIGEST.upper()} *data/c%25\r\n\n".encode())
    assert list(bag.read_manifest(path)) == [(DIGEST, "data/a b.txt"), (DIGEST, "data/c%")]


@pytest.mark.parametrize("path", ["../x", "data/../../x", "/etc/passwd", "data//x", "data/./x", "data/a\\b", ""])
def test_a_manifest_that_leaves_the_bag(tmp_path: Path, path: str) -> None:
    manifest = tmp_path / "manifest-sha256.txt"
    manifest.write_text(f"{DIGEST}  {path}\n")
    with pytest.raises(BagError, match="line 1"):
        list(bag.read_manifest(manifest))


@pytest.mark.parametrize("text", ["no digest  data/x\n", "0" * 63 + "  data/x\n", "\udcff"])
def test_an_invalid_manifest(tmp_path: Path, text: str) -> None:
    manifest = tmp_path / "manifest-sha256.txt"
    manifest.write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(BagError, match="line 1"):
        list(bag.read_manifest(manifest))


def test_fetch_lists(tmp_path: Path) -> None:
    path = tmp_path / "fetch.txt"
    fetch = Fetch("https://hub.example/a/resolve/1/w%20x.bin", 12, "data/a b.bin")
    path.write_bytes(fetch.line())
    assert list(bag.read_fetch(path)) == [fetch]
    for text in ("https://hub.example/x - data/x", "https://hub.example/x data/x", "https://hub.example/x 1 ../x"):
        path.write_text(text)
        with pytest.raises(BagError):
            list(bag.read_fetch(path))


def test_values_of_bag_info_stay_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "bag-info.txt"
    path.write_bytes(bag.info_text([("Title", "a\nPayload-Oxum: 0.0"), ("Title", "second")]) + b"  continued\n")
    assert bag.read_info(path) == {"Title": "a Payload-Oxum: 0.0 continued"}
