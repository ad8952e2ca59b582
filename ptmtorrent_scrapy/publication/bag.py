"""BagIt bags (RFC 8493): names that a manifest can contain, manifests, fetch lists and tag files."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
FETCH = "fetch.txt"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_DIGEST = re.compile("[0-9a-f]{64}")
_ENCODED = re.compile("%(0[AD]|25)", re.IGNORECASE)
_LONGEST_LINE = 1 << 20  # bytes of a line of an untrusted bag


class BagError(Exception):
    """A bag that cannot be read or written; the message says what is wrong with it."""


class CannotStart(BagError):
    """A command cannot start; nothing was changed."""


class DamagedFile(BagError):
    """A large file whose content does not match its name."""

    def __init__(self, file: object, found: str) -> None:
        super().__init__(f"{file} has the SHA-256 {found}, not that of its name; run scrapy verify --repair")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file of the payload to download."""

    url: str
    size: int
    path: str

    def line(self) -> bytes:
        """Return the line of fetch.txt."""
        return f"{self.url} {self.size} {self.path}\n".encode()


def is_baggable(path: str) -> bool:
    """Return whether all tools read a path from a manifest in the same way.

    RFC 8493 encodes `%` and line ends, `bagit.py` encodes only line ends, `sha256sum` neither. `bagit.py` strips space
    at the end of a line and compares names in Unicode's composed form.

    >>> is_baggable("data/a b.txt"), is_baggable("data/100%.txt"), is_baggable("data/a ")
    (True, False, False)
    """
    plain = path.isprintable() and "%" not in path and "\\" not in path and path == path.strip()
    return plain and unicodedata.is_normalized("NFC", path)


def manifest_line(digest: str, path: str) -> bytes:
    """Return a line of a manifest, which `sha256sum --check` reads too."""
    return f"{digest}  {path}\n".encode()


def read_manifest(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (SHA-256, path) of a manifest. Raise `BagError`, `OSError`."""
    for number, line in _lines(path):
        digest, _, name = line.partition(" ")
        if not _DIGEST.fullmatch(digest.lower()):
            raise BagError(f"{path}: line {number} does not begin with a SHA-256")
        yield digest.lower(), checked_path(_decoded(name.lstrip(" \t*")), f"{path}: line {number}")


def read_fetch(path: Path) -> Iterator[Fetch]:
    """Yield the lines of fetch.txt. Raise `BagError`, `OSError`."""
    for number, line in _lines(path):
        words = line.split(None, 2)
        if len(words) != 3 or not words[1].isascii() or not words[1].isdecimal() or len(words[1]) > 18:
            raise BagError(f"{path}: line {number} is not URL, size in bytes and path")
        yield Fetch(words[0], int(words[1]), checked_path(_decoded(words[2]), f"{path}: line {number}"))


def read_info(path: Path) -> dict[str, str]:
    """Return the first value of each label of a tag file such as bag-info.txt. Raise `BagError`, `OSError`."""
    found: dict[str, str] = {}
    label = ""
    for _, line in _lines(path):
        if line[:1] in " \t" and label:
            found[label] += f" {line.strip()}"
        else:
            label, _, value = line.partition(":")
            found.setdefault(label.strip(), value.strip())
    return found


def info_text(labels: Iterable[tuple[str, str]]) -> bytes:
    """Return the text of bag-info.txt; values are kept on one line."""
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in labels).encode()


def checked_path(path: str, where: str) -> str:
    """Return a path, checked to be below the bag. Raise `BagError`."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or not part.isprintable() for part in parts):
        raise BagError(f"{where} has a path that leaves the bag or is not plain: {path[:200]!a}")
    return path


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of the lines of a tag file that are not empty."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            try:
                text = line.decode().rstrip("\r\n")
            except UnicodeDecodeError:
                raise BagError(f"{path}: line {number} is not UTF-8") from None
            if text.strip():
                yield number, text


def _decoded(name: str) -> str:
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), name)
