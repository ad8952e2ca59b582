"""The data tree: the only module that builds its paths and checks names from hubs."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.storage.lock import LockHeld, lock

_SHOWN = 100  # characters of a name in a message
_LONGEST = 230  # bytes: file systems accept 255, and unfinished files have longer names
_OWN = re.compile(r"\..*~[\w-]+")  # names of unfinished files
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # nearly all names
_GIT = re.compile(r"\.git|git~\d+")  # git's own folder, and the short names that Windows gives it
_MARKS = ("Mn", "Me", "Cf")  # categories of characters that some file systems ignore in a name
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters without a shape, ignored likewise
_PAGES = ("html/metadata/", "json/metadata/")


class UnusableName(ValueError):
    """A name from a hub that cannot be a path in the tree; the message says why."""


class TreeLocked(Exception):
    """Another crawl of the hub uses the tree; the message says which process it is."""


def is_work(name: str) -> bool:
    """Return whether a name is that of an unfinished file or folder."""
    return _OWN.fullmatch(name) is not None


def is_git_folder(name: str) -> bool:
    """Return whether git or a file system may treat the name as `.git` (git's path.c and utf8.c list the spellings).

    Examples:
        >>> [is_git_folder(name) for name in (".GIT. ", "git~1", ".git::$INDEX_ALLOCATION", ".github", "git")]
        [True, True, True, False, False]
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    shown = (each for each in plain if each not in _FILLERS and unicodedata.category(each) not in _MARKS)
    return _GIT.fullmatch("".join(shown).partition(":")[0].rstrip(". ")) is not None


def check_name(name: str) -> str:
    """Return the name if it can be a folder or file in the tree. Raise `UnusableName`.

    Examples:
        >>> check_name("bert-base-uncased")
        'bert-base-uncased'
    """
    if _PLAIN.fullmatch(name):
        return name
    if name in ("", ".", ".."):
        raise UnusableName(f"{_quoted(name)} is not a file name")
    if is_work(name):
        raise UnusableName(f"{_quoted(name)} is reserved for unfinished files")
    if is_git_folder(name):
        raise UnusableName(f"{_quoted(name)} is a name that git treats as its own folder")
    if any(character in "/\\\0" or not (character.isprintable() or character == " ") for character in name):
        raise UnusableName(f"{_quoted(name)} has a character that does not belong in a file name")
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise UnusableName(f"{_quoted(name)} cannot be encoded as UTF-8") from None
    if length > _LONGEST:
        raise UnusableName(f"{_quoted(name)} is longer than the {_LONGEST} bytes that file systems take")
    return name


def check_folder(folder: str) -> str:
    """Return the AUTHOR/MODEL of a clone, if both can be folders in the tree. Raise `UnusableName`."""
    author, slash, model = folder.partition("/")
    if not slash:
        raise UnusableName(f"{_quoted(folder)} is not of the form AUTHOR/MODEL")
    return f"{check_name(author)}/{check_name(model)}"


def _quoted(name: str) -> str:
    """Return a name in quotes for a message: hubs send names of any length."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


class DataTree:
    """The folder of one hub, `DATA_DIR/HUB`."""

    def __init__(self, root: Path, hub: str) -> None:
        self.root = root
        self.hub = check_name(hub)
        self.folder = root / hub
        self.lock_file = self.folder / f".{hub}~lock"
        self.records = self.folder / "json" / f"{hub}.json"
        self.repositories = self.folder / "json" / "repositories.jsonl"
        self.rejected = self.folder / "json" / "rejected.jsonl"
        self.store = self.folder / "lfs"
        self.files = self.folder / "json" / "files.jsonl"  # files at the HEAD of each clone
        # HEAD of each repository, and when it was checked
        self.commit_checks = self.folder / "json" / "commit_checks.jsonl"
        self.crawls = self.folder / "json" / "crawls.jsonl"
        self.begun = self.folder / "json" / f".{hub}~begun"  # the line of a crawl that has not ended
        self.before = self.folder / "json" / f".{hub}~before"  # links to the files of the previous crawl
        self.snapshots = self.folder / "snapshots"
        self.spool = self.folder / "json" / f".{hub}~spool"  # records that are not committed yet
        self.work = self.folder / "json" / f".{hub}~crawl"  # what a crawl needs only while it runs

    def page(self, path: str) -> Path:
        """Return the path of a raw page, given below the hub's folder: under html/metadata/ or json/metadata/."""
        if not path.startswith(_PAGES):
            raise UnusableName(f"{_quoted(path)} is not below {' or '.join(_PAGES)}")
        return self.folder.joinpath(*(check_name(part) for part in path.split("/")))

    def repository(self, folder: str) -> Path:
        """Return the path of the clone of AUTHOR/MODEL."""
        return self.folder / "repos" / check_folder(folder)

    def seen_from_outside(self, path: Path) -> str:
        """Return a path relative to the folder that holds the tree, e.g. `data/huggingface/json/huggingface.json`."""
        return f"{self.root.resolve().name}/{path.relative_to(self.root).as_posix()}"

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Lock the hub's folder for this process. Raise `TreeLocked`, `OSError`."""
        try:
            with lock(self.lock_file, note=f"process {os.getpid()} on {os.uname().nodename}"):
                yield
        except LockHeld as error:
            raise TreeLocked(
                f"{self.folder} is in use by another crawl, {error or 'just starting'}; end it or wait for it"
            ) from None

    def is_claimed(self) -> bool:
        """Return whether a crawl seems to use the folder: its lock file exists, and its process runs."""
        try:
            holder = self.lock_file.read_text("utf-8", "replace").split()
        except OSError:
            return False
        if len(holder) != 4 or holder[3] != os.uname().nodename or not holder[1].isdecimal():
            return True
        with contextlib.suppress(PermissionError):
            try:
                os.kill(int(holder[1]), 0)
            except (ProcessLookupError, OverflowError):
                return False
        return True
