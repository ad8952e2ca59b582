"""Extract one repository from the volumes of a package, on this machine or on a web server, with one range read."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import orjson

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import check_url
from ptmtorrent_scrapy.publication import git_folder
from ptmtorrent_scrapy.publication.bag import BagError, is_baggable
from ptmtorrent_scrapy.publication.download import Downloader
from ptmtorrent_scrapy.publication.packing import FOLDER, INDEX
from ptmtorrent_scrapy.publication.unpacking import checked, unit_of, unpack

_CHUNK = 1 << 20
_FIELDS = {"path": str, "volume": str, "offset": int, "length": int, "sha256": str}


class Volumes(Protocol):
    """Access to a package's volumes."""

    def index(self) -> Iterator[bytes]:
        """Yield the lines of the index. Raise `BagError`, `OSError`."""
        ...

    def read(self, volume: str, offset: int, length: int) -> Iterator[bytes]:
        """Yield a range of a volume. Raise `BagError`, `OSError`."""
        ...


class LocalVolumes:
    """Volumes of a package on this machine."""

    def __init__(self, package: Path) -> None:
        self._package = package

    def index(self) -> Iterator[bytes]:
        """Yield the lines of the index. Raise `BagError`."""
        path = self._package / INDEX
        if not path.is_file():
            raise BagError(f"{self._package} has no {INDEX}; only a package made with --volumes has one")
        with path.open("rb") as lines:
            yield from lines

    def read(self, volume: str, offset: int, length: int) -> Iterator[bytes]:
        """Yield a range of a volume. Raise `OSError`."""
        with (self._package / FOLDER / volume).open("rb") as file:
            file.seek(offset)
            while length and (piece := file.read(min(length, _CHUNK))):
                length -= len(piece)
                yield piece


class RemoteVolumes:
    """Volumes of a package on a web server."""

    def __init__(self, url: str, downloader: Downloader) -> None:
        self._url = url.rstrip("/")
        self._downloader = downloader

    def index(self) -> Iterator[bytes]:
        """Yield the lines of the index. Raise `BagError`."""
        with self._downloader.open(f"{self._url}/{INDEX}") as lines:
            yield from lines

    def read(self, volume: str, offset: int, length: int) -> Iterator[bytes]:
        """Yield a range of a volume, in one request. Raise `BagError`."""
        with self._downloader.open(f"{self._url}/{FOLDER}/{volume}", first=offset, last=offset + length - 1) as answer:
            while piece := answer.read(_CHUNK):
                yield piece


def extract(volumes: Volumes, model: str, target: Path, git: Command) -> Path:
    """Unpack a repository to `target/data/HUB/repos/OWNER/NAME`; return that folder.

    Raise `BagError`, `GitError`, `OSError`.
    """
    line = _find(volumes, model)
    clone = target / str(line["path"])
    if clone.exists():
        raise BagError(f"{clone} exists; remove it, or name another folder")
    work = target / f".{clone.name}~extract"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        for part in (*line["shared"], line):
            where = f"{part['volume']}, bytes {part['offset']} to {part['offset'] + part['length'] - 1},"
            pieces = checked(volumes.read(part["volume"], part["offset"], part["length"]), part["sha256"], where)
            for unit in unpack(pieces, work, link=True):
                if unit != line["path"] and "/lfs/objects/" not in unit:
                    raise BagError(f"{where} has another repository: {unit}")
        git_folder.renew(git, work / line["path"], check_url(line["url"], ("http", "https")), work / "index")
        _move(work, target, line["path"])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return clone


def _find(volumes: Volumes, model: str) -> dict[str, Any]:
    """Return the line of a repository in the index, with checked paths. Raise `BagError`."""
    found = []
    for text in volumes.index():
        if os.fsencode(model.rpartition("/")[2]) in text:
            line = _checked(text)
            if isinstance(line.get("url"), str) and _is_named(line["path"], model):
                found.append(line)
    if not found:
        raise BagError(f"{model!r} is not in the index of the volumes; name it as OWNER/NAME")
    if len(found) > 1:
        paths = ", ".join(line["path"].removeprefix("data/").replace("/repos/", "/") for line in found)
        raise BagError(f"{model!r} is in several hubs; name one of {paths}")
    return found[0]


def _checked(text: bytes) -> dict[str, Any]:
    try:
        line = orjson.loads(text)
        for part in (line, *line.setdefault("shared", [])):
            is_whole = all(isinstance(part[name], kind) for name, kind in _FIELDS.items())
            if not is_whole or "/" in part["volume"] or not is_baggable(part["volume"]) or part["offset"] < 0:
                raise ValueError("a field has a wrong type")
            if unit_of(part["path"]) is None and unit_of(f"{part['path']}/-") is None:
                raise ValueError("a path leaves the package")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BagError(f"{INDEX} has a line that cannot be read: {error}") from None
    checked_line: dict[str, Any] = line
    return checked_line


def _is_named(path: str, model: str) -> bool:
    """Return whether a model is named by its path, HUB/OWNER/NAME, OWNER/NAME, or a name without a namespace."""
    _, hub, _, owner, name = path.split("/")
    return model in (path, f"{hub}/{owner}/{name}", f"{owner}/{name}") or (model == name and "." in owner)


def _move(work: Path, target: Path, path: str) -> None:
    """Move the unpacked files to their places: the large files first, then the clone."""
    for folder, _, names in os.walk(work / path.partition("/repos/")[0] / "lfs"):
        for name in names:
            place = target / Path(folder, name).relative_to(work)
            place.parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).replace(place)
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).rename(target / path)
