"""The metadata of a hub in a package: records, lines, pages, without mention of what is not packaged."""

import bisect
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.catalog import CollectedHub
from ptmtorrent_scrapy.formats.redact import HIDDEN
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.clones import without_paths
from ptmtorrent_scrapy.publication.files import Entry, of_file
from ptmtorrent_scrapy.publication.git_folder import files_below
from ptmtorrent_scrapy.publication.repositories import Repositories
from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile
from ptmtorrent_scrapy.storage.json_reading import elements
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import is_work

_LINES = ("repositories.jsonl", "files.jsonl", "rejected.jsonl", "crawls.jsonl", "commit_checks.jsonl")


class MetadataFiles:
    """Lists the metadata of a hub; changed files are written into a scratch folder."""

    def __init__(self, hub: CollectedHub, repositories: Repositories, scratch: Path) -> None:
        self._hub = hub
        self._repositories = repositories
        self._scratch = scratch / hub.name
        self._removed: dict[str, list[int]] = {}  # positions of private objects, by the name of their file
        self._has_private = bool(repositories.private(hub.name))

    def entries(self) -> Iterator[Entry]:
        """Yield the files below html/, json/ and snapshots/. Raise `BagError`, `OSError`."""
        yield from self._below("html")
        metadata = self._hub.folder / "json" / "metadata"
        for file in files_below(metadata):
            if not is_work(file.name):
                yield from self._metadata(file) if file.parent == metadata else self._as_it_is(file)
        if self._hub.tree.records.is_file():
            yield self._entry(self._records(), self._hub.tree.records)
        for name in _LINES:
            file = self._hub.folder / "json" / name
            if file.is_file():
                yield self._entry(self._lines(file), file)
        if not self._has_private:  # otherwise older states would mention private models
            yield from self._below("snapshots")

    def _below(self, folder: str) -> Iterator[Entry]:
        for file in files_below(self._hub.folder / folder):
            if not is_work(file.name):
                yield from self._as_it_is(file)

    def _as_it_is(self, file: Path) -> Iterator[Entry]:
        if entry := of_file(self._path(file), file, is_final=True):
            yield entry

    def _path(self, file: Path) -> str:
        return f"data/{self._hub.name}/{file.relative_to(self._hub.folder).as_posix()}"

    def _entry(self, written: Path, file: Path) -> Entry:
        entry = of_file(self._path(file), written, is_final=True)
        assert entry is not None
        return entry

    def _metadata(self, file: Path) -> Iterator[Entry]:
        """Yield a metadata file, without its private objects."""
        removed = [at for at, found, _ in self._elements(file) if self._is_private(found)] if self._has_private else []
        if not removed:
            yield from self._as_it_is(file)
            return
        self._removed[file.name] = removed
        gone = set(removed)
        with JsonArrayFile(self._scratch / file.name) as written:
            for position, _, text in self._elements(file):
                if position not in gone:
                    written.append(text)
        yield self._entry(self._scratch / file.name, file)

    def _is_private(self, found: Any) -> bool:
        return isinstance(found, dict) and self._repositories.is_private(self._hub.name, found.get("id"))

    def _records(self) -> Path:
        """Write the records without private models, and without paths of clones that are not packaged."""
        path = self._scratch / "records.json"
        with JsonArrayFile(path) as written:
            for _, record, _ in self._elements(self._hub.tree.records):
                if isinstance(record, dict) and not self._is_private_record(record):
                    written.append(orjson.dumps(self._packaged(record, written.length)))
        return path

    def _is_private_record(self, record: dict[str, Any]) -> bool:
        return self._has_private and self._repositories.is_private(self._hub.name, record.get("ModelName"))

    def _packaged(self, record: dict[str, Any], position: int) -> dict[str, Any]:
        record["id"] = position
        hub = record.get("ModelHub")
        if isinstance(hub, dict) and isinstance(path := hub.get("MetadataFilePath"), str):
            removed = self._removed.get(path.rpartition("/")[2], [])
            hub["MetadataFilePath"] = f"data/{path.partition('/')[2]}"
            if removed and isinstance(at := hub.get("MetadataObjectID"), int):
                hub["MetadataObjectID"] = at - bisect.bisect_left(removed, at)
        path = record.get("ModelRepositoryPath")
        if isinstance(path, str) and not self._repositories.is_chosen(self._hub.name, path.removeprefix("repos/")):
            del record["ModelRepositoryPath"]
        return record

    def _lines(self, file: Path) -> Path:
        """Write a JSON-lines file without excluded repositories and without paths of this machine."""
        change: Callable[[dict[str, Any]], dict[str, Any] | None] = {
            "repositories.jsonl": self._repository_line,
            "files.jsonl": self._file_line,
            "rejected.jsonl": self._rejected_line,
            "crawls.jsonl": self._crawl_line,
        }.get(file.name, self._url_line)
        path = self._scratch / file.name
        with AtomicFile(path) as written:
            for line in json_lines(file, {}):
                if (changed := change(line)) is not None:
                    written.write(without_paths(orjson.dumps(changed), self._hub.tree.root) + b"\n")
        return path

    def _repository_line(self, line: dict[str, Any]) -> dict[str, Any] | None:
        path = line.get("path")
        if isinstance(path, str) and not self._repositories.is_chosen(self._hub.name, path.removeprefix("repos/")):
            return None
        return self._url_line(line)

    def _file_line(self, line: dict[str, Any]) -> dict[str, Any] | None:
        named = str(line.get("repository"))
        folder = self._repositories.folder_of(self._hub.name, named) or named.removeprefix("repos/")
        return line if self._repositories.is_chosen(self._hub.name, folder) else None

    def _rejected_line(self, line: dict[str, Any]) -> dict[str, Any] | None:
        return None if self._repositories.is_private(self._hub.name, line.get("name")) else line

    def _url_line(self, line: dict[str, Any]) -> dict[str, Any] | None:
        parts = str(line.get("url")).rsplit("/", 2)
        is_private = self._has_private and self._repositories.is_private(self._hub.name, "/".join(parts[1:]), parts[-1])
        return None if is_private else line

    def _crawl_line(self, line: dict[str, Any]) -> dict[str, Any] | None:
        """Return the line of a crawl without the user's paths."""
        for name in ("settings", "arguments"):
            if isinstance(given := line.get(name), dict):
                line[name] = {key: HIDDEN if _is_path(value) else value for key, value in given.items()}
        return {**line, "snapshot": None} if self._has_private and "snapshot" in line else line

    def _elements(self, file: Path) -> Iterator[tuple[int, Any, bytes]]:
        """Yield (position, value, text) of the elements of a JSON array. Raise `BagError` if one is broken."""

        def fail(description: str) -> None:
            raise BagError(f"{file}: {description}; run scrapy verify")

        with file.open("rb", buffering=0) as raw, io.BufferedReader(raw, 1 << 20) as read:
            for each in elements(read, fail):
                text = os.pread(raw.fileno(), each.length, each.offset) if each.length else orjson.dumps(each.value)
                yield each.position, each.value, text.rstrip(b"\n").removesuffix(b",")


def _is_path(value: object) -> bool:
    """Return whether the value of a setting or an argument is a path on the machine of the crawl."""
    return isinstance(value, str) and value.lstrip("@").startswith(("/", "~", "./", "../"))
