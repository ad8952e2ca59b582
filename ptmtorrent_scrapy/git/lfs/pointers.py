"""Pointer files, which git has instead of LFS files: those of a commit, and those to download.

The format is in git-lfs's docs/spec.md.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptmtorrent_scrapy.git.blobs import objects
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs import attributes
from ptmtorrent_scrapy.git.models import LfsMode
from ptmtorrent_scrapy.git.size_limit import check_path
from ptmtorrent_scrapy.storage.folders import walk

if TYPE_CHECKING:  # few repositories have patterns
    from pathspec import GitIgnoreSpec

POINTER_BYTES = range(100, 1024)  # a pointer is smaller than 1024 bytes and never smaller than its three lines
_VERSIONS = rb"https://(?:git-lfs|hawser)\.github\.com/spec/v1|http://git-media\.io/v/2"
_POINTER = re.compile(
    rb"version (?:" + _VERSIONS + rb")\r?\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\r?\nsize (\d{1,18})"
)
_BEGINNINGS = (b"version https://", b"version http://git-media.io/")
_PATTERNS = 200  # of `.lfsconfig` that are used
_SETTINGS = r"^lfs\.(fetchinclude|fetchexclude|url)$"  # of `.lfsconfig`
# Never replaced with an LFS object: git checks the content of this file only when it is received.
_NEVER = re.compile(rb"(?:.*/)?(?:\.gitmodules|gitmod~\d+|gi7eba~\d+)[. ]*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pointer:
    """The id and size of an object, which git has instead of an LFS file."""

    oid: str  # SHA-256 of the content, hexadecimal
    size: int  # bytes
    is_canonical: bool = field(default=True, compare=False)  # as git-lfs itself would write it
    is_covered: bool = field(default=True, compare=False)  # the repository's attributes assign the file to git-lfs


def parse(content: bytes) -> Pointer | None:
    """Return the pointer in the content of a file, or None.

    >>> parse(b"version https://git-lfs.github.com/spec/v1\\noid sha256:" + b"0" * 64 + b"\\nsize 12\\n").size
    12
    """
    match = _POINTER.fullmatch(content.strip())  # git-lfs accepts white space around it, and line ends of Windows
    if match is None:
        return None
    pointer = Pointer(match[1].decode(), int(match[2]))
    # git-lfs stores an empty file without a pointer
    return replace(pointer, is_canonical=pointer.size > 0 and text(pointer).encode() == content)


def text(pointer: Pointer) -> str:
    """Return the content of a pointer file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{pointer.oid}\nsize {pointer.size}\n"


def survey(clone: Path) -> tuple[bool, int, int]:
    """Return (whether a file may be a pointer, bytes, files and folders) of a new clone, without filters.

    Raise `Refused` for a path that is too deep or too long.
    """
    found, size, entries = False, 0, 0
    for folder, inner, names in walk(clone):
        longest = max(map(os.fsencode, (*inner, *names)), key=len, default=b"")
        check_path(os.fsencode(folder[len(str(clone)) + 1 :]) + b"/" + longest)
        entries += len(inner) + len(names)
        for name in names:
            path = os.path.join(folder, name)
            bytes_ = os.lstat(path).st_size
            size += bytes_
            if not found and bytes_ in POINTER_BYTES:
                with open(path, "rb") as file:
                    found = file.read(100).lstrip().startswith(_BEGINNINGS)
    return found, size, entries


def of_commit(git: Command, repository: Path, commit: str) -> dict[bytes, Pointer]:
    """Return the LFS files of a commit by path: all files that git-lfs recognises as pointers.

    Their attributes are those of the index, which must be of that commit.
    """
    candidates = list(_small_files(git.run("git", "ls-tree", "-r", "-z", "-l", "--full-tree", commit, cwd=repository)))
    if not candidates:
        return {}
    contents = objects(git, repository, (oid for oid, _ in candidates))
    found = {
        path: pointer for (_, path), content in zip(candidates, contents, strict=True) if (pointer := parse(content))
    }
    covered = attributes.given_to_lfs(git, repository, found) if found else set()
    return {path: replace(pointer, is_covered=path in covered) for path, pointer in found.items()}


def of_all_commits(git: Command, repository: Path) -> set[str]:
    """Return the ids of the large files that any blob of a repository names, reachable or not. Raise `GitError`."""
    listing = git.run("git", "cat-file", "--batch-all-objects", "--unordered", "--batch-check", cwd=repository)
    small = [oid for oid, kind, size in map(bytes.split, listing.splitlines()) if kind == b"blob" and int(size) < 1024]
    return {pointer.oid for content in objects(git, repository, small) if (pointer := parse(content))}


def _small_files(listing: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (object id, path) of the files that are small enough for a pointer, from `ls-tree -r -z -l`."""
    for line in listing.split(b"\0")[:-1]:
        meta, path = line.split(b"\t", 1)
        mode, _, oid, size = meta.split()
        if mode.startswith(b"100") and int(size) in POINTER_BYTES and not _NEVER.fullmatch(path):
            yield oid, path


def wanted(
    git: Command, repository: Path, commit: str, files: Mapping[bytes, Pointer], which: str
) -> dict[bytes, Pointer]:
    """Return the LFS files of a commit to download: `which` is auto, all, none or the largest size."""
    if not files or which == LfsMode.ALL:
        return dict(files)
    if which == LfsMode.NONE:
        return {}
    if which == LfsMode.AUTO:
        skipped = excluded(git, repository, commit, files)
        return {path: pointer for path, pointer in files.items() if path not in skipped}
    return {path: pointer for path, pointer in files.items() if pointer.size <= int(which)}


def excluded(git: Command, repository: Path, commit: str, paths: Iterable[bytes]) -> set[bytes]:
    """Return the paths that the commit's `.lfsconfig` excludes by `lfs.fetchinclude` and `lfs.fetchexclude`."""
    settings = lfs_config(git, repository, commit)
    include, exclude = (_patterns(settings.get(key, "")) for key in ("lfs.fetchinclude", "lfs.fetchexclude"))
    skipped = set()
    for path in paths:
        name = path.decode("utf-8", "replace")
        if (include and not include.match_file(name)) or (exclude and exclude.match_file(name)):
            skipped.add(path)
    return skipped


def lfs_config(git: Command, repository: Path, commit: str) -> dict[str, str]:
    """Return the values of `_SETTINGS` in the commit's `.lfsconfig`, by name."""
    words = ("git", "config", "--blob", f"{commit}:.lfsconfig", "-z", "--get-regexp", _SETTINGS)
    found = git.run(*words, cwd=repository, ok=(0, 1, 128, 129)).decode("utf-8", "replace")
    return {name: value.strip() for name, _, value in (line.partition("\n") for line in found.split("\0")[:-1])}


def _spec(patterns: list[str]) -> "GitIgnoreSpec":
    """Return a matcher for the patterns. Raise `ValueError`, `re.error`.

    RE2 takes linear time for stars that match in many ways; Python's own expressions and git do not.
    """
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns, backend="re2")


def _patterns(setting: str) -> "GitIgnoreSpec | None":
    """Return the patterns of a setting, or None."""
    listed = (pattern.strip() for pattern in setting.split(",")[:_PATTERNS])
    patterns = [pattern for pattern in listed if pattern and _is_pattern(pattern)]
    return _spec(patterns) if patterns else None


def _is_pattern(pattern: str) -> bool:
    try:
        _spec([pattern])
    except (ValueError, re.error):
        return False
    return True
