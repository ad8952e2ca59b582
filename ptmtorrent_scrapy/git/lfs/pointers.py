"""Pointer files, which stand in git for large files: which a commit has, and which of them are wanted.

They are described in git-lfs's docs/spec.md.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pathspec

from ptmtorrent_scrapy.git.blobs import batch
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.storage.folders import walk

POINTER_BYTES = range(100, 1024)  # a pointer is smaller than 1024 bytes and never smaller than its three lines
_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\r?\n"
    rb"(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\r?\nsize (\d{1,18})"
)
_BEGINNING = b"version https://"
_PATTERNS = 200  # that are heeded
BRANCH = "refs/heads/pointers"  # of repositories of ours


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands in git for a large file."""

    oid: str  # SHA-256 of the content, hexadecimal
    size: int  # bytes


def parse(content: bytes) -> Pointer | None:
    """The pointer, if the content of a file is one.

    >>> parse(b"version https://git-lfs.github.com/spec/v1\\noid sha256:" + b"0" * 64 + b"\\nsize 12\\n").size
    12
    """
    match = _POINTER.fullmatch(content.strip())  # git-lfs takes space around it, and line ends of Windows
    return Pointer(match[1].decode(), int(match[2])) if match else None


def survey(clone: Path) -> tuple[bool, int, int]:
    """Of a clone just made, without filters and links: whether a file may be a pointer, bytes, files and folders."""
    found, size, entries = False, 0, 0
    for folder, inner, names in walk(clone):
        entries += len(inner) + len(names)
        for name in names:
            path = os.path.join(folder, name)
            bytes_ = os.lstat(path).st_size
            size += bytes_
            if not found and bytes_ in POINTER_BYTES:
                with open(path, "rb") as file:
                    found = file.read(100).lstrip().startswith(_BEGINNING)
    return found, size, entries


def of_commit(git: Command, repository: Path, commit: str) -> dict[bytes, Pointer]:
    """The large files of a commit by their paths: the pointers that its attributes give to git-lfs.

    The attributes are those of the index, which must be of that commit.
    """
    candidates = list(_small_files(git.run("git", "ls-tree", "-r", "-z", "-l", "--full-tree", commit, cwd=repository)))
    if not candidates:
        return {}
    asked = b"".join(oid + b"\n" for oid, _ in candidates)
    contents = batch(git.run("git", "cat-file", "--batch", cwd=repository, stdin=asked))
    found = {
        path: pointer for (_, path), content in zip(candidates, contents, strict=True) if (pointer := parse(content))
    }
    if not found:
        return {}
    attributes = git.run(
        "git",
        "check-attr",
        "--cached",
        "-z",
        "--stdin",
        "filter",
        cwd=repository,
        stdin=b"".join(path + b"\0" for path in found),
    ).split(b"\0")
    given = dict(zip(attributes[0::3], attributes[2::3], strict=False))
    return {path: pointer for path, pointer in found.items() if given.get(path) == b"lfs"}


def of_all_commits(git: Command, repository: Path) -> set[str]:
    """Return the ids of the large files that any blob of a repository names, reachable or not. Raises `GitError`."""
    listing = git.run("git", "cat-file", "--batch-all-objects", "--unordered", "--batch-check", cwd=repository)
    small = [oid for oid, kind, size in map(bytes.split, listing.splitlines()) if kind == b"blob" and int(size) < 1024]
    contents = batch(
        git.run("git", "cat-file", "--batch", cwd=repository, stdin=b"".join(oid + b"\n" for oid in small))
    )
    return {pointer.oid for content in contents if (pointer := parse(content))}


def _small_files(listing: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(object id, path) of the files that are as small as a pointer, from `ls-tree -r -z -l`."""
    for line in listing.split(b"\0")[:-1]:
        meta, path = line.split(b"\t", 1)
        mode, _, oid, size = meta.split()
        if mode.startswith(b"100") and int(size) in POINTER_BYTES:
            yield oid, path


def wanted(
    git: Command, repository: Path, commit: str, files: Mapping[bytes, Pointer], which: str
) -> dict[bytes, Pointer]:
    """Those of a commit's large files that are to be fetched: `which` is auto, all, none or the largest size."""
    if not files or which == "all":
        return dict(files)
    if which == "none":
        return {}
    if which == "auto":
        left_out = excluded(git, repository, commit, files)
        return {path: pointer for path, pointer in files.items() if path not in left_out}
    return {path: pointer for path, pointer in files.items() if pointer.size <= int(which)}


def excluded(git: Command, repository: Path, commit: str, paths: Iterable[bytes]) -> set[bytes]:
    """The paths that the commit's `.lfsconfig` keeps from a plain clone, by `lfs.fetchinclude` and `fetchexclude`."""
    include, exclude = (_patterns(git, repository, commit, key) for key in ("lfs.fetchinclude", "lfs.fetchexclude"))
    left_out = set()
    for path in paths:
        name = path.decode("utf-8", "replace")
        if (include and not include.match_file(name)) or (exclude and exclude.match_file(name)):
            left_out.add(path)
    return left_out


def _patterns(git: Command, repository: Path, commit: str, key: str) -> pathspec.GitIgnoreSpec | None:
    """What a setting of the commit's `.lfsconfig` lists; None where there is no such file or setting.

    RE2 takes no time for stars that fit in many ways, which Python's own expressions and git do.
    """
    listed = git.run(
        "git", "config", "--blob", f"{commit}:.lfsconfig", "--get", key, cwd=repository, ok=(0, 1, 128, 129)
    )
    told = [pattern.strip() for pattern in listed.decode("utf-8", "replace").split(",")[:_PATTERNS]]
    patterns = [pattern for pattern in told if pattern and _is_pattern(pattern)]
    return pathspec.GitIgnoreSpec.from_lines(patterns, backend="re2") if patterns else None


def _is_pattern(text: str) -> bool:
    try:
        pathspec.GitIgnoreSpec.from_lines([text], backend="re2")
    except (ValueError, re.error):
        return False
    return True


def empty_repository(path: Path) -> None:
    """Make a bare repository that has nothing in it, on the branch `pointers`."""
    for folder in ("objects", "refs"):
        (path / folder).mkdir(parents=True)
    (path / "HEAD").write_text(f"ref: {BRANCH}\n")
