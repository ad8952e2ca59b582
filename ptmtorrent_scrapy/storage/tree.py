"""The data tree: the one place that makes paths of names, and writes files.

A file that a reader may open appears whole: it is written beside its place and renamed.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from ptmtorrent_scrapy.storage.fsync import sync_paths
from ptmtorrent_scrapy.storage.lock import Held, lock

_LONGEST = 230  # bytes: file systems take 255, and work in progress stands beside its place under a longer name
_OWN = re.compile(r"\..*~[\w-]+")  # names of work in progress
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # what nearly all names are
_PAGES = ("html/metadata/", "json/metadata/")


class UnusableName(ValueError):
    """A name from a hub that cannot be a path in the tree; the message says why."""


class InUse(Exception):
    """Another crawl of the hub works in the tree; the message says which process it is."""


def is_work(name: str) -> bool:
    """Whether that is what work in progress is called."""
    return _OWN.fullmatch(name) is not None


def check_name(name: str) -> str:
    """The name, if it can be one folder or file in the tree.

    >>> check_name("bert-base-uncased")
    'bert-base-uncased'
    """
    if _PLAIN.fullmatch(name):
        return name
    if name in ("", ".", ".."):
        raise UnusableName(f"{name!r} names no file of its own")
    if is_work(name):
        raise UnusableName(f"{name!r} is what work in progress is called")
    if any(character in "/\\\0" or not (character.isprintable() or character == " ") for character in name):
        raise UnusableName(f"{name!r} has a character that does not belong in a file name")
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise UnusableName(f"{name!r} is no text") from None
    if length > _LONGEST:
        raise UnusableName(f"{name[:40]!r}... is longer than the {_LONGEST} bytes that file systems take")
    return name


def check_folder(folder: str) -> str:
    """The AUTHOR/MODEL of a clone, if both can be folders in the tree. Raises `UnusableName`."""
    author, slash, model = folder.partition("/")
    if not slash:
        raise UnusableName(f"{folder!r} is not of the form AUTHOR/MODEL")
    return f"{check_name(author)}/{check_name(model)}"


class DataTree:
    """The folder of one hub, `DATA_DIR/HUB`."""

    def __init__(self, root: Path, hub: str) -> None:
        self.root = root
        self.hub = check_name(hub)
        self.folder = root / hub
        self.records = self.folder / "json" / f"{hub}.json"
        self.repositories = self.folder / "json" / "repositories.jsonl"
        self.rejected = self.folder / "json" / "rejected.jsonl"
        self.store = self.folder / "lfs"
        self.looks = self.folder / "json" / "looks.jsonl"  # what servers told of repositories, and when
        self.crawls = self.folder / "json" / "crawls.jsonl"
        self.begun = self.folder / "json" / f".{hub}~begun"  # the line of a crawl that has not ended
        self.before = self.folder / "json" / f".{hub}~before"  # the files that a crawl has found
        self.snapshots = self.folder / "snapshots"
        self.spool = self.folder / "json" / f".{hub}~spool"  # records that have no place yet
        self.work = self.folder / "json" / f".{hub}~crawl"  # what a crawl needs only while it runs

    def page(self, path: str) -> Path:
        """Where a raw page lies: `path` is relative to the hub's folder, under html/metadata/ or json/metadata/."""
        if not path.startswith(_PAGES):
            raise UnusableName(f"{path!r} is not below {' or '.join(_PAGES)}")
        return self.folder.joinpath(*(check_name(part) for part in path.split("/")))

    def repository(self, folder: str) -> Path:
        """Where the clone of AUTHOR/MODEL stands."""
        return self.folder / "repos" / check_folder(folder)

    def seen_from_outside(self, path: Path) -> str:
        """A path as seen from the folder that holds the data tree, e.g. `data/huggingface/json/huggingface.json`."""
        return f"{self.root.resolve().name}/{path.relative_to(self.root).as_posix()}"

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Keep the hub's folder for this process. Raises `InUse`, `OSError`."""
        try:
            with lock(self.folder / f".{self.hub}~lock", note=f"process {os.getpid()} on {os.uname().nodename}"):
                yield
        except Held as error:
            raise InUse(
                f"{self.folder} is in use by another crawl, {error or 'just starting'}; end it or wait for it"
            ) from None


class Rewrite:
    """A file that is written beside its place and takes it on `commit`; what stood there stays until then.

    As a context it commits where the block ends well, and is abandoned where it does not.
    """

    def __init__(self, path: Path, *, begun: int = 0) -> None:
        """Begin it, or go on after so many bytes of one that was left."""
        self.path = path
        self._beside = beside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[bytes] = self._beside.open("r+b" if begun else "wb", buffering=1 << 20)
        if begun:
            self.file.truncate(begun)
            self.file.seek(begun)

    def save(self) -> int:
        """Bring what was written so far to the disk; returns how many bytes that is."""
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.file.tell()

    def leave(self) -> None:
        """Let somebody go on later."""
        self.file.close()

    def commit(self) -> None:
        self.save()
        self.file.close()
        self._beside.replace(self.path)
        sync_paths([self.path.parent])

    def abandon(self) -> None:
        self.file.close()
        self._beside.unlink(missing_ok=True)

    def __enter__(self) -> IO[bytes]:
        return self.file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abandon()


def beside(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".{path.name}~new")


class JsonArray:
    """A file that holds one JSON array, written an element at a time."""

    def __init__(self, path: Path, *, begun: int = 0, length: int = 0) -> None:
        """Begin it, or go on with one that was left after so many bytes and elements."""
        self._rewrite = Rewrite(path, begun=begun)
        if not begun:
            self._rewrite.file.write(b"[")
        self.length = length

    def append(self, element: bytes) -> int:
        """Add an element, JSON text; returns its position, from 0."""
        self._rewrite.file.write(b",\n" if self.length else b"\n")
        self._rewrite.file.write(element)
        self.length += 1
        return self.length - 1

    def save(self) -> int:
        """Bring what was written so far to the disk; returns how many bytes that is."""
        return self._rewrite.save()

    def leave(self) -> None:
        """Let somebody go on later."""
        self._rewrite.leave()

    def commit(self) -> None:
        self._rewrite.file.write(b"\n]\n")
        self._rewrite.commit()

    def abandon(self) -> None:
        self._rewrite.abandon()


def write(path: Path, body: bytes) -> None:
    """Write a whole file."""
    with Rewrite(path) as file:
        file.write(body)
