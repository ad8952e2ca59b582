"""Files of a commit, read from git's objects."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command

_LARGEST = 1 << 20  # bytes of a file that a spider may read


def contents(git: Command, clone: Path, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
    """Return the contents of files of a commit, without those that are missing or larger than 1 MiB.

    Raise `GitError`.
    """
    if not paths:
        return {}
    queries = "".join(f"{commit}:{path}\n" for path in paths).encode()
    checked = git.run("git", "cat-file", "--batch-check", cwd=clone, stdin=queries).decode().splitlines()
    found = {
        path: description.split()[0]
        for path, description in zip(paths, checked, strict=True)
        if description.split()[1] == "blob" and int(description.split()[2]) <= _LARGEST
    }
    if not found:
        return {}
    return dict(zip(found, objects(git, clone, (oid.encode() for oid in found.values())), strict=True))


def objects(git: Command, clone: Path, oids: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the contents of git objects, in the order of their ids. Raise `GitError`."""
    stdin = b"".join(oid + b"\n" for oid in oids)
    answer = git.run("git", "cat-file", "--batch", cwd=clone, stdin=stdin) if stdin else b""
    position = 0
    while position < len(answer):
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split()[2])
        yield answer[end + 1 : end + 1 + size]
        position = end + size + 2
