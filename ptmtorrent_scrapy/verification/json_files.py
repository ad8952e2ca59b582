"""JSON files of a tree: records, metadata and JSON lines."""

import codecs
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.raw_json import elements, mapping
from ptmtorrent_scrapy.git.models import CloneStatus
from ptmtorrent_scrapy.records.validator import Validator
from ptmtorrent_scrapy.storage.json_reading import bounded_lines
from ptmtorrent_scrapy.storage.tree import DataTree, UnusableName, check_folder
from ptmtorrent_scrapy.verification.finding import Finding, Kind, at, is_sampled

_STATUSES = tuple(map(str, CloneStatus))

_STEP = 1000  # records


class Files:
    """Checks the JSON files of a hub's folder."""

    def __init__(self, tree: DataTree, share: float, read: Callable[[int], object] = lambda _: None) -> None:
        """Prepare it; `read` is called from time to time with the number of records read."""
        self.tree = tree
        self._share = share  # share of the records to check
        self._read = read

    def lines(self) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
        """Return the lines of repositories.jsonl by the AUTHOR/MODEL of their clone, and the problems of the lines."""
        cloned: dict[str, dict[str, Any]] = {}
        found = []
        urls: set[bytes] = set()
        for number, value in _lines(self.tree.repositories):
            wrong = self._wrong(value, urls, cloned)
            if wrong:
                found.append(at(self.tree, Kind.LINE, self.tree.repositories, f"line {number}: {wrong}"))
            elif value["path"]:
                cloned[value["path"].removeprefix("repos/")] = value
        return cloned, found

    def _wrong(self, line: Any, urls: set[bytes], cloned: dict[str, dict[str, Any]]) -> str | None:
        if not isinstance(line, dict) or not isinstance(line.get("url"), str) or "path" not in line:
            return "is not the result of a clone"
        if line.get("status") not in _STATUSES:
            return f"has the status {line.get('status')!r}"
        if (url := line["url"].encode("utf-8", "replace")) in urls:
            return f"is a second line of {line['url']}"
        urls.add(url)
        if line["path"] is not None:
            try:
                if not str(line["path"]).startswith("repos/"):
                    raise UnusableName("it is not below repos/")
                folder = check_folder(str(line["path"]).removeprefix("repos/"))
            except UnusableName as error:
                return f"has the path {line['path']!r}: {error}"
            if folder in cloned:
                return f"has the same path as another line: {line['path']}"
        return None

    def other_lines(self) -> Iterator[Finding]:
        """Yield the lines of other files that are not JSON objects."""
        for path in (self.tree.rejected, self.tree.commit_checks, self.tree.crawls):
            for number, value in _lines(path):
                if not isinstance(value, dict):
                    yield at(self.tree, Kind.LINE, path, f"line {number}: is not a JSON object")

    def records(self) -> Iterator[Finding]:
        """Yield metadata files that are not arrays, and records that are invalid, misplaced or of another object."""
        objects = _Objects(self.tree)
        yield from objects.wrong()
        if not self.tree.records.is_file():
            if self._were_written():
                yield at(self.tree, Kind.RECORDS, self.tree.records, "is missing, though a crawl has written it")
            return
        validator = Validator()
        try:
            for position, record in enumerate(array(self.tree.records)):
                if position % _STEP == 0:
                    self._read(position)
                if wrong := self._wrong_record(validator, objects, position, record):
                    yield at(self.tree, Kind.RECORD, self.tree.records, f"record {position}: {wrong}")
        except ValueError as error:
            yield at(self.tree, Kind.RECORDS, self.tree.records, f"is not a JSON array: {error}")
        for path, count in sorted(objects.missing.items()):
            yield at(
                self.tree, Kind.METADATA, path, f"is missing; objects of it are named by {counted(count, 'record')}"
            )

    def _were_written(self) -> bool:
        """Return whether records were written, according to crawls.jsonl."""
        lines = (mapping(value) for _, value in _lines(self.tree.crawls))
        return any(mapping(line.get("counts")).get("records") is not None for line in lines)

    def _wrong_record(self, validator: Validator, objects: "_Objects", position: int, record: Any) -> str | None:
        if not isinstance(record, dict) or record.get("id") != position:
            return "does not have its position as id"
        if not is_sampled(str(record.get("ModelURL")), self._share):
            return None
        return validator.problem(record) or objects.wrong_object(record)


class _Objects:
    """The objects of metadata files; each file is read once, in the order of the records."""

    def __init__(self, tree: DataTree) -> None:
        self.missing: Counter[Path] = Counter()  # number of records by the missing file that they name
        self._tree = tree
        self._lengths: dict[Path, int] = {}
        self._read: dict[Path, tuple[int, Any, Iterator[Any]]] = {}  # (position, object, objects after it)
        self._last = ("", tree.root, False)  # file of the last record: (file, path, whether it exists)

    def wrong(self) -> Iterator[Finding]:
        """Yield the metadata files that are not JSON arrays."""
        for path in sorted((self._tree.folder / "json" / "metadata").glob("*.json")):
            try:
                self._lengths[path] = sum(1 for _ in array(path))
            except ValueError as error:
                if not self._is_object(path):
                    yield at(self._tree, Kind.METADATA, path, f"is not a JSON array: {error}")

    def _is_object(self, path: Path) -> bool:
        """Return whether a file is an answer that is saved as received, such as ModelZoo's index."""
        try:
            return isinstance(orjson.loads(path.read_bytes().removeprefix(codecs.BOM_UTF8)), dict)
        except ValueError:
            return False

    def wrong_object(self, record: dict[str, Any]) -> str | None:
        """Return why a record does not name its own object; None if it does."""
        file, position = record["ModelHub"]["MetadataFilePath"], record["ModelHub"]["MetadataObjectID"]
        if file != self._last[0]:
            path = self._tree.root / file.partition("/")[2]  # the tree's own folder may have been renamed since
            self._last = (file, path, path.is_file())
        _, path, exists = self._last
        if not exists:
            self.missing[path] += 1
            return None
        if position >= self._lengths.get(path, 0):
            return f"its object {position} is not in {file}"
        value = self._at(path, position)
        if isinstance(value, dict) and record["ModelName"] not in value.values():
            return f"object {position} of {file} belongs to another model"
        return None

    def _at(self, path: Path, position: int) -> Any:
        at, value, rest = self._read.get(path, (-1, None, iter(())))
        if at > position or at < 0:
            at, value, rest = -1, None, array(path)
        while at < position:
            at, value = at + 1, next(rest)
        self._read[path] = (at, value, rest)
        return value


def array(path: Path) -> Iterator[Any]:
    """Yield the elements of a JSON array, with one element per line or in any other form. Raise `ValueError`."""
    with path.open("rb") as file:
        if file.readline() != b"[\n":
            yield from (element.value for element in elements(path.read_text("utf-8", "replace")))
            return
        pending = b""  # beginning of an element that spans several lines
        for line in file:
            if line == b"]\n" and not pending:
                if file.read(1):
                    raise ValueError("there is more after its end")
                return
            pending += line
            if (found := _element(pending)) is not None:
                yield found[0]
                pending = b""
        raise ValueError("its end is missing" if not pending else f"{pending[:100]!r} is not a JSON value")


def _element(text: bytes) -> tuple[Any] | None:
    """Return the value of an element, which may end with a comma; None if the element is incomplete."""
    text = text.rstrip(b"\n").removesuffix(b",")
    try:
        return (orjson.loads(text),)
    except ValueError:  # Python's own parser accepts lone surrogates and numbers of any size
        try:
            (found,) = elements(f"[{text.decode('utf-8', 'replace')}]")
        except RecursionError:
            return (None,)
        except ValueError:
            return None
    return (found.value,)


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (number, value) of the lines of a file; the value is None if the line is not JSON."""
    if path.is_file():
        with path.open("rb") as file:
            for number, line in bounded_lines(file):
                try:
                    yield number, orjson.loads(line)
                except ValueError:
                    yield number, None
