"""Prove that a worker can clone: before its first clone, and after a failure of the machine.

`prove` runs on the worker, everything else in the crawl.
"""

import fcntl
import hashlib
import os
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.git import programs
from ptmtorrent_scrapy.storage.tree import DataTree

_CODE = ("git", "git/lfs", "network", "storage", "formats")  # what runs on workers


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The files and values for the proof of a worker."""

    folder: str  # of the hub
    nonce_file: str  # written by the crawl
    nonce: str
    lock_file: str  # held by the crawl
    min_free: int
    version: str
    answer_file: str  # where the worker writes the nonce


def prove(probe: Probe) -> str | None:
    """Return why this machine cannot clone for the crawl, None if it can. It writes `answer_file`."""
    try:
        return _programs() or _code(probe.version) or _tree(probe)
    except OSError as error:
        return f"{error.filename or probe.folder}: {error.strerror or error}"


def _programs() -> str | None:
    try:
        for name in programs.NAMES:
            programs.version(name)
    except programs.Unusable as error:
        return str(error)
    return None


def _code(version: str) -> str | None:
    own = code_version()
    return None if own == version else f"it runs another version of this project ({own}, the crawl {version})"


def _tree(probe: Probe) -> str | None:
    folder = Path(probe.folder)
    try:
        os.listdir(folder)  # makes a network file system read the folder again
        found = Path(probe.nonce_file).read_text()
    except FileNotFoundError:
        found = None
    if found != probe.nonce:
        return f"{folder} is not the data tree of the crawl there: mount the shared file system at the same path"
    free = shutil.disk_usage(folder).free
    if free < probe.min_free:
        return f"{folder} has {free} bytes free there, less than CLONE_MIN_FREE={probe.min_free}"
    _write(Path(probe.answer_file), probe.nonce)
    return None if _is_locked(probe.lock_file) else f"a lock in {folder} does not lock out other machines"


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _is_locked(path: str) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def code_version() -> str:
    """Return the version of this project and a digest of the code that runs on workers."""
    digest = hashlib.sha256()
    for package in _CODE:
        folder = files("ptmtorrent_scrapy").joinpath(package)
        for path in sorted(folder.iterdir(), key=lambda each: each.name):
            if path.name.endswith(".py"):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{__version__} {digest.hexdigest()[:12]}"


class Prover(Protocol):
    """Writes the files that workers must find, and checks those that they write."""

    def probe(self) -> Probe: ...

    def accepts(self, probe: Probe) -> bool: ...


class TreeProver:
    """Proves that a worker has the same data tree as the crawl: each reads a file of the other."""

    def __init__(self, tree: DataTree, min_free: int) -> None:
        self._tree = tree
        self._min_free = min_free
        self._nonce = str(uuid4())
        self._file = self._path("nonce")

    def open(self) -> None:
        """Write the file that workers must find. Raise `OSError`."""
        for left in self._tree.folder.glob(f".{self._tree.hub}~nonce-*"):  # of crawls that were killed
            left.unlink(missing_ok=True)
        _write(self._file, self._nonce)

    def close(self) -> None:
        self._file.unlink(missing_ok=True)

    def probe(self) -> Probe:
        """Return the proof for one attempt of one worker."""
        folder = self._tree.folder.absolute()
        return Probe(
            folder=str(folder),
            nonce_file=str(self._file.absolute()),
            nonce=self._nonce,
            lock_file=str(self._tree.lock_file.absolute()),
            min_free=self._min_free,
            version=code_version(),
            answer_file=str(self._path("nonce").absolute()),
        )

    def own_trouble(self) -> str | None:
        """Return why the machine of the crawl itself cannot clone, None if it can."""
        probe = self.probe()
        wrong = prove(probe)
        return None if self.accepts(probe) else wrong or "files that it writes disappear"

    def accepts(self, probe: Probe) -> bool:
        """Return whether the worker's file is there, and remove it."""
        path = Path(probe.answer_file)
        try:
            os.listdir(path.parent)
            return path.read_text() == self._nonce
        except OSError:
            return False
        finally:
            path.unlink(missing_ok=True)

    def _path(self, what: str) -> Path:
        return self._tree.folder / f".{self._tree.hub}~{what}-{uuid4()}"
