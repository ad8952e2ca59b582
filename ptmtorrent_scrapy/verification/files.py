"""Files of a tree: records, metadata, lines; and what nothing names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.jsontext import elements
from ptmtorrent_scrapy.record import Validator
from ptmtorrent_scrapy.tree import DataTree, UnusableName, check_folder, is_work
from ptmtorrent_scrapy.verification.problem import Problem, is_sampled

STATUSES = ("cloned", "updated", "current", "partial", "large", "empty", "gated", "missing", "refused", "failed")
_FOLDERS = ("html", "json", "repos", "lfs", "snapshots", "cache")
_LINES = ("repositories.jsonl", "rejected.jsonl", "looks.jsonl", "crawls.jsonl")
_STORE = ("objects", "incomplete", "tmp", "locks", "logs", "cache")


class Files:
    """Looks at the files of a hub's folder."""

    def __init__(self, tree: DataTree, share: float) -> None:
        self.tree = tree
        self._share = share  # of the records that are looked at
        self._json = tree.folder / "json"

    def problem(self, kind: str, path: Path, detail: str) -> Problem:
        return Problem(hub=self.tree.hub, kind=kind, path=path.relative_to(self.tree.folder).as_posix(), detail=detail)

    def lines(self) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
        """(lines of repositories.jsonl by the AUTHOR/MODEL that they say stands, what is wrong with them)."""
        standing: dict[str, dict[str, Any]] = {}
        found = []
        urls: set[bytes] = set()
        for number, value in _lines(self.tree.repositories):
            wrong = self._wrong(value, urls, standing)
            if wrong:
                found.append(self.problem("line", self.tree.repositories, f"line {number}: {wrong}"))
            elif value["path"]:
                standing[value["path"].removeprefix("repos/")] = value
        return standing, found

    def _wrong(self, line: Any, urls: set[bytes], standing: dict[str, dict[str, Any]]) -> str | None:
        if not isinstance(line, dict) or not isinstance(line.get("url"), str) or "path" not in line:
            return "is no outcome of a clone"
        if line.get("status") not in STATUSES:
            return f"has the status {line.get('status')!r}"
        if (url := line["url"].encode("utf-8", "replace")) in urls:
            return f"says once more what became of {line['url']}"
        urls.add(url)
        if line["path"] is not None:
            try:
                if not str(line["path"]).startswith("repos/"):
                    raise UnusableName("it is not below repos/")
                folder = check_folder(str(line["path"]).removeprefix("repos/"))
            except UnusableName as error:
                return f"has the path {line['path']!r}: {error}"
            if folder in standing:
                return f"says that a second repository stands at {line['path']}"
        return None

    def other_lines(self) -> Iterator[Problem]:
        """Lines that are no JSON objects."""
        for name in _LINES[1:]:
            for number, value in _lines(self._json / name):
                if not isinstance(value, dict):
                    yield self.problem("line", self._json / name, f"line {number}: is no JSON object")

    def records(self) -> Iterator[Problem]:
        """Metadata files that are no arrays; records that are invalid, out of place, or not of the object they name."""
        objects = _Objects(self.tree)
        yield from (self.problem("metadata", path, wrong) for path, wrong in objects.wrong())
        if not self.tree.records.is_file():
            return
        validator = Validator()
        try:
            for position, record in enumerate(array(self.tree.records)):
                if wrong := self._wrong_record(validator, objects, position, record):
                    yield self.problem("record", self.tree.records, f"record {position}: {wrong}")
        except ValueError as error:
            yield self.problem("records", self.tree.records, f"is no JSON array: {error}")

    def _wrong_record(self, validator: Validator, objects: "_Objects", position: int, record: Any) -> str | None:
        if not isinstance(record, dict) or record.get("id") != position:
            return "does not have its position as id"
        if not is_sampled(str(record.get("ModelURL")), self._share):
            return None
        return validator.problem(record) or objects.wrong_object(record)

    def stray(self, standing: dict[str, dict[str, Any]]) -> Iterator[Problem]:
        """What nothing names, and what work in progress has left; `standing` are the clones that have a line."""
        for path in _entries(self.tree.folder):
            if path.name == f".{self.tree.hub}~lock":
                continue  # ours
            if is_work(path.name):
                yield self.problem("work in progress", path, "was left by a crawl; the next one uses or removes it")
            elif path.name not in _FOLDERS:
                yield self.problem("stray", path, "nothing names it")
        known = {self.tree.records, self._json / "metadata", *(self._json / name for name in _LINES)}
        yield from self._unknown(self._json, known)
        yield from self._unknown(self.tree.store, {self.tree.store / name for name in _STORE})
        for author in _entries(self.tree.folder / "repos"):
            if not author.is_dir() or author.is_symlink():
                yield self.problem("stray", author, "nothing names it")
                continue
            yield from self._unknown(author, {author / name for name in _models(author, standing)})

    def _unknown(self, folder: Path, known: set[Path]) -> Iterator[Problem]:
        for path in _entries(folder):
            if is_work(path.name):
                yield self.problem("work in progress", path, "was left by a crawl; the next one uses or removes it")
            elif path not in known:
                yield self.problem("stray", path, "nothing names it")


class _Objects:
    """The objects of metadata files, read once, as far as the records that name them have come."""

    def __init__(self, tree: DataTree) -> None:
        self._tree = tree
        self._lengths: dict[str, int] = {}
        self._read: dict[str, tuple[int, Any, Iterator[Any]]] = {}  # (position, object, those after it)

    def wrong(self) -> Iterator[tuple[Path, str]]:
        """Metadata files that are no JSON arrays."""
        for path in sorted((self._tree.folder / "json" / "metadata").glob("*.json")):
            try:
                self._lengths[self._tree.seen_from_outside(path)] = sum(1 for _ in array(path))
            except ValueError as error:
                if not self._is_object(path):
                    yield path, f"is no JSON array: {error}"

    def _is_object(self, path: Path) -> bool:
        """Whether it is an answer that is kept as it came, such as ModelZoo's index."""
        try:
            return isinstance(orjson.loads(path.read_bytes()), dict)
        except ValueError:
            return False

    def wrong_object(self, record: dict[str, Any]) -> str | None:
        """Why a record's object is not where it says."""
        file, position = record["ModelHub"]["MetadataFilePath"], record["ModelHub"]["MetadataObjectID"]
        if position >= self._lengths.get(file, 0):
            return f"its object {position} is not in {file}"
        value = self._at(file, position)
        if isinstance(value, dict) and record["ModelName"] not in value.values():
            return f"object {position} of {file} is another model's"
        return None

    def _at(self, file: str, position: int) -> Any:
        at, value, rest = self._read.get(file, (-1, None, iter(())))
        if at > position or at < 0:
            path = self._tree.root / Path(*Path(file).parts[1:])
            at, value, rest = -1, None, array(path)
        while at < position:
            at, value = at + 1, next(rest)
        self._read[file] = (at, value, rest)
        return value


def array(path: Path) -> Iterator[Any]:
    """The elements of a JSON array, one a line as we write it, or as anybody may. Raises `ValueError`."""
    with path.open("rb") as file:
        if file.readline() != b"[\n":
            yield from (element.value for element in elements(path.read_text("utf-8", "replace")))
            return
        begun = b""  # of an element that has line ends in it
        for line in file:
            if line == b"]\n" and not begun:
                if file.read(1):
                    raise ValueError("something follows its end")
                return
            begun += line
            if (found := _element(begun)) is not None:
                yield found[0]
                begun = b""
        raise ValueError("its end is missing" if not begun else f"{begun[:100]!r} is no element")


def _element(text: bytes) -> tuple[Any] | None:
    """The value of an element and its comma; None if it is not whole."""
    text = text.rstrip(b"\n").removesuffix(b",")
    try:
        return (orjson.loads(text),)
    except ValueError:  # what Python's own parser takes: half surrogate pairs, numbers of any size
        try:
            (found,) = elements(f"[{text.decode('utf-8', 'replace')}]")
        except RecursionError:
            return (None,)
        except ValueError:
            return None
    return (found.value,)


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """(number, value) of the lines of a file, None for what is no JSON."""
    if path.is_file():
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield number, orjson.loads(line)
                except ValueError:
                    yield number, None


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _models(author: Path, standing: dict[str, dict[str, Any]]) -> Iterator[str]:
    return (path.name for path in _entries(author) if f"{author.name}/{path.name}" in standing)
