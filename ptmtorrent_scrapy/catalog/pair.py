"""The records of a hub and the objects that they were made of, from one crawl."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ptmtorrent_scrapy.catalog.crawl_files import CrawlFiles
from ptmtorrent_scrapy.catalog.faults import Faults, below
from ptmtorrent_scrapy.catalog.objects import Objects, place
from ptmtorrent_scrapy.storage.json_reading import Element, Read, elements, lines, value
from ptmtorrent_scrapy.storage.tree import DataTree

_LONGEST_WAIT = 300.0  # seconds for a crawl to replace the second file after the first
_SHORT_WAIT = 0.5  # the same, for a process that has not locked the tree
_POLL = 0.05  # seconds
_NEAR = 1000  # objects


class Pair:
    """Open files of records, rejections and metadata of the same crawl; a context manager that closes them.

    A crawl replaces the metadata first, then the records, then the rejections. Whoever opens them in between would mix
    two crawls, so they are opened again until all are of one.
    """

    def __init__(self, tree: DataTree, faults: Faults) -> None:
        self.size = 0  # bytes of records and metadata together
        self.read = 0  # bytes of them that have been read so far, for a progress bar
        self._tree = tree
        self._faults = faults
        self._files = CrawlFiles(tree, faults)
        self._descriptors: dict[str, int] = {}  # of metadata files

    def __enter__(self) -> Self:
        began = time.monotonic()
        self._files.open()
        while not (is_settled := self._files.are_settled()) or self._is_mixed():
            if time.monotonic() > began + (_SHORT_WAIT if is_settled else _LONGEST_WAIT):
                if not is_settled:
                    self._faults.add("json", "records and metadata are of different crawls")
                break
            time.sleep(_POLL)
            self._files.open()
        self._descriptors = {name: self._files.descriptor(self._metadata(name)) for name in self.metadata}
        self.size = self._files.size
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    @property
    def has_records(self) -> bool:
        """Return whether the hub has a file of records; hubs of datasets and spaces have none."""
        return self._tree.records in self._files

    @property
    def records_size(self) -> int:
        """Return the bytes of the records."""
        return self._files.size_of(self._tree.records)

    def metadata_size(self, name: str) -> int:
        """Return the bytes of a metadata file."""
        return self._files.size_of(self._metadata(name))

    @property
    def metadata(self) -> list[str]:
        """Return the names of the files below json/metadata/ that are arrays of objects."""
        return self._files.metadata

    @property
    def written(self) -> float | None:
        """Return when the records, else the metadata, were written, in seconds since 1970; None if there are none."""
        return self._files.last_written()

    def records(self, *, with_objects: bool = True) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Yield each record and the object of the hub that it was made of.

        The object is None if it is missing, belongs to another model, or `with_objects` is false, which saves time.
        """
        objects = Objects(self) if with_objects else None
        for element in self._elements(self._tree.records):
            record = element.value
            if not _is_record(record):
                self._fault(self._tree.records, f"element {element.position} is not a record")
                continue
            yield record, objects.of(record) if objects else None

    def objects(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (position, object) of a metadata file; elements that are not objects are skipped."""
        for element in self.elements(name):
            yield element.position, element.value

    def elements(self, name: str, read: Read = value) -> Iterator[Element]:
        """Yield the objects of a metadata file with their places in it, for `object_at`.

        `read` gets the text of an object, and may return less than its value.
        """
        path = self._metadata(name)
        for element in self._elements(path, read):
            if isinstance(element.value, dict):
                yield element
            else:
                self._fault(path, f"element {element.position} is not a JSON object")

    def object_at(self, name: str, offset: int, length: int) -> dict[str, Any]:
        """Return the object at a place that `elements` yielded. Raise `ValueError`."""
        text = os.pread(self._descriptors[name], length, offset)
        found: dict[str, Any] = value(text.rstrip(b"\n").removesuffix(b","))
        return found

    def rejected(self) -> Iterator[dict[str, Any]]:
        """Yield the models without a record: `name`, `position`, `reason`, `detail`."""
        if self._tree.rejected in self._files:
            with self._files.reader(self._tree.rejected) as file:
                for _, line in lines(file, lambda what: self._fault(self._tree.rejected, what)):
                    yield line

    def report_broken(self, name: str, offset: int) -> None:
        """Count an object that is not JSON, though `elements` gave its place."""
        self._fault(self._metadata(name), f"the value at byte {offset} is not JSON")

    def report_other(self, name: str, position: int) -> None:
        """Count an object that belongs to another model than the record that names it."""
        path = self._metadata(name)
        self._fault(path, f"element {position} belongs to another model than its record")
        self._faults.is_mixed = True

    def _metadata(self, name: str) -> Path:
        return self._tree.folder / "json" / "metadata" / name

    def _elements(self, path: Path, read: Read = value) -> Iterator[Element]:
        if path not in self._files:
            return
        done = 0
        with self._files.reader(path) as file:
            for element in elements(file, lambda what: self._fault(path, what), read):
                self.read += element.offset + element.length - done
                done = element.offset + element.length
                yield element

    def _fault(self, path: Path, description: str) -> None:
        self._faults.add(below(path, self._tree.folder), description)

    def _is_mixed(self) -> bool:
        """Return whether the first record names an object of another model, as while a copy of a tree is updated."""
        faults, self._faults = self._faults, Faults()
        try:
            first, _ = next(self.records(with_objects=False), ({}, None))
            if place(first)[1] < _NEAR:  # others are long to find
                next(self.records(), None)
            return self._faults.is_mixed
        finally:
            self._faults, self.read = faults, 0


def _is_record(value: Any) -> bool:
    """Return whether a value has what every record has: strings for name, URL and owner."""
    if not isinstance(value, dict):
        return False
    name, url, owner = value.get("ModelName"), value.get("ModelURL"), value.get("ModelOwner")
    return bool(name and url and owner and type(name) is type(url) is type(owner) is str)
