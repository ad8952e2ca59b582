"""Find the commit that last changed each file, for all files of a repository in one pass over its history."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.errors import GitError

# Children come before parents; a merge is printed once for each parent that it differs from.
_LOG = (
    *("git", "log", "--topo-order", "-m", "--root", "--parents", "--format=oneline", "--no-abbrev-commit"),
    *("--raw", "-z", "--no-renames", "--no-decorate", "--no-show-signature", "--no-color", "HEAD", "--"),
)
_HEADER = re.compile(rb"([0-9a-f]{40,64})((?: [0-9a-f]{40,64})*)(?: \(from ([0-9a-f]{40,64})\))? ")


def last_commits(clone: Path, *, scope: str, timeout: float) -> dict[str, str]:
    """Return the last commit that changed each file of HEAD, and each folder (the clone itself is "").

    They equal those of `git log -1 -- PATH`. Paths that are not UTF-8 are skipped. Raise `GitError`.
    """
    git = Command(scope=scope, environment=environment(timeout=int(timeout)), timeout=timeout)
    listed = git.run("git", "ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD", cwd=clone)
    search = _Search(path for path in listed.split(b"\0") if path)
    log = _Log(search)
    git.run(*_LOG, cwd=clone, output=log.take)
    log.end()
    return dict(search.found())


class _Search:
    """Follows every path from HEAD back to the commit where it differs from all parents, as git itself does."""

    def __init__(self, paths: Iterable[bytes]) -> None:
        self._wanted = {part for path in paths for part in _with_folders(path)}
        self._at: dict[bytes, set[bytes]] = {}  # paths that are followed to a commit which was not printed yet
        self._has_started = False
        self._found: dict[bytes, bytes] = {}

    def visit(self, commit: bytes, parents: list[bytes], differences: dict[bytes, set[bytes]]) -> None:
        """Process the next commit; `differences` has the files that differ from each parent (b"" for no parent)."""
        paths = self._at.pop(commit, set()) if self._has_started else self._wanted.copy()
        self._has_started = True
        for parent in parents or [b""]:
            touched = {part for path in differences.get(parent, ()) for part in _with_folders(path)} & paths
            paths -= touched
            if parent and paths:
                self._follow(paths, parent)
            paths = touched
        self._found.update(dict.fromkeys(paths, commit))

    def _follow(self, paths: set[bytes], parent: bytes) -> None:
        there = self._at.setdefault(parent, paths)
        if there is not paths:
            small, large = sorted((there, paths), key=len)
            large |= small
            self._at[parent] = large

    def found(self) -> Iterator[tuple[str, str]]:
        for path, commit in self._found.items():
            name = path.decode("utf-8", "ignore")
            if name.encode() == path:
                yield name, commit.decode()


class _Log:
    """Parser of the output of `git log`, which comes in pieces."""

    def __init__(self, search: _Search) -> None:
        self._search = search
        self._rest = b""
        self._path_follows = False
        self._commit: tuple[bytes, list[bytes]] | None = None
        self._differences: dict[bytes, set[bytes]] = {}
        self._files: set[bytes] = set()

    def take(self, output: bytes) -> None:
        *words, self._rest = (self._rest + output).split(b"\0")
        for word in words:
            if self._path_follows:
                self._files.add(word)
                self._path_follows = False
            elif word.startswith(b":"):
                self._path_follows = True
            elif word:
                self._begin(word)

    def _begin(self, header: bytes) -> None:
        match = _HEADER.match(header)
        if match is None:
            raise GitError(f"git log printed {header[:100]!r} where a commit was expected")
        commit, parents = match[1], match[2].split()
        if self._commit is None or self._commit[0] != commit:
            self.end()
            self._commit = (commit, parents)
        # Only of merges; the following files differ from this parent.
        self._files = self._differences.setdefault(match[3] or (parents[0] if parents else b""), set())

    def end(self) -> None:
        """Pass on the commit that is complete."""
        if self._commit is not None:
            self._search.visit(*self._commit, self._differences)
        self._commit, self._differences = None, {}


def _with_folders(path: bytes) -> Iterator[bytes]:
    """Yield a path and its parent folders, up to the clone itself."""
    yield path
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def last_commit(commits: Mapping[str, str], path: str) -> str | None:
    """Return the last commit that changed a path; if HEAD does not have it, that of the nearest folder.

    >>> last_commit({"a/b": "c0ffee", "a": "c0ffee", "": "decade"}, "a/x")
    'c0ffee'
    """
    parts = PurePosixPath(path)
    return next((commits[str(at)] for at in (parts, *parts.parents) if str(at) in commits), commits.get(""))
