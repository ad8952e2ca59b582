"""Limit the size of a clone while git makes it, and of the working tree of a commit."""

import os
import time
from contextlib import suppress
from pathlib import Path

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import Large, Refused
from ptmtorrent_scrapy.storage.folders import walk

_EXPANDED = 1 << 30  # bytes of a working tree; larger ones are compared with the bytes that were sent
_TIMES = 100  # the ratio of repetitive text to its compressed size
_BLOCK = 4096  # bytes that a file or folder takes besides its content
_SHARE = 20  # ratio of the time without and with measurements


MAX_DEPTH = 250  # folders above a file
MAX_PATH = 2000  # bytes of a path inside a repository: systems take 4096 with all that is above it


def check_path(path: bytes) -> None:
    """Raise `Refused` for a path that is too deep or too long to use."""
    if path.count(b"/") > MAX_DEPTH:
        raise Refused(f"it has folders more than {MAX_DEPTH} levels deep")
    if len(path) > MAX_PATH:
        raise Refused(f"it has a path of more than {MAX_PATH} bytes")


class TreeOrder:
    """Checks the files of a commit: raises `Refused` for a path that is there twice, as file and folder, or late.

    In the history such trees are harmless, but their working tree differs from what git reports.
    """

    def __init__(self) -> None:
        self._last = b""
        self._above: list[bytes] = []  # files whose names the last path begins with

    def check(self, path: bytes) -> None:
        """Check the next file; git lists them in the order of their bytes."""
        while self._above and not path.startswith(self._above[-1]):
            self._above.pop()
        is_below_file = any(path[len(file) :].startswith(b"/") for file in self._above)
        if is_below_file or (self._last and path <= self._last):
            raise Refused(f"{path.decode('utf-8', 'replace')[:200]!r} is in its tree twice, or out of order")
        self._above.append(path)
        self._last = path


class SizeLimit:
    """Judges a clone: raises `Large`, or `Refused` for one that expands like a bomb, also by empty files."""

    def __init__(self, clone: Path, largest: int | None) -> None:
        self._clone = clone
        self._largest = largest
        self._next = 0.0

    def cloning(self) -> None:
        """Check the clone while git makes it; called every second."""
        began = time.monotonic()
        if began >= self._next:
            git, (whole, entries) = local.size(self._clone / ".git"), _measure(self._clone)
            self.check(whole - git, entries, git=git)
            self._next = time.monotonic() + _SHARE * (time.monotonic() - began)

    def fetching(self) -> None:
        """Check an existing clone while git fetches into it; called every second."""
        self.check(0, 0, git=local.size(self._clone / ".git"))

    def commit(self, git: Command, commit: str) -> None:
        """Judge the working tree that a commit of the clone will have. Raise `GitError`."""
        size, tree, entries, rest = local.size(self._clone / ".git"), 0, 0, b""

        order = TreeOrder()

        def count(piece: bytes) -> None:
            nonlocal tree, entries, rest
            *lines, rest = (rest + piece).split(b"\0")
            for line in lines:
                meta, _, path = line.partition(b"\t")
                check_path(path)
                if b" tree " not in meta:
                    order.check(path)
            sizes = [line.split(b"\t", 1)[0].split()[-1] for line in lines]
            tree += sum(int(each) for each in sizes if each != b"-")
            entries += len(sizes)
            self.check(tree, entries, git=size)

        git.run("git", "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", commit, cwd=self._clone, output=count)

    def check(self, tree: int, entries: int, *, git: int) -> None:
        """Judge it by the bytes of the working tree, how many files and folders it has, and the bytes of `.git`."""
        if self._largest is not None and max(git, tree) > self._largest:
            raise Large(f"it has more than {self._largest} bytes without its large files")
        if tree + _BLOCK * entries > _EXPANDED:
            sent = local.size(self._clone / ".git" / "objects")
            if tree + _BLOCK * entries > _TIMES * sent:
                raise Refused(f"its {sent} bytes expand to {tree} and more, in {entries} files and folders")


def _measure(folder: Path) -> tuple[int, int]:
    """Return (bytes, entries) below a folder that is being changed."""
    size = entries = 0
    for path, folders, names in walk(folder):
        entries += len(folders) + len(names)
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(path, name)).st_size
    return size, entries
