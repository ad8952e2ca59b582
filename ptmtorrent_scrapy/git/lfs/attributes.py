"""git's attributes of LFS files (gitattributes(5)).

A pointer may be in git although the repository's attributes do not assign its file to git-lfs. When the LFS file takes
its place, `git status` stays clean only because `.git/info/attributes` assigns it to git-lfs; no file of the repository
overrides that.
"""

from collections.abc import Iterable
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command

_BEGIN = b"# LFS files that the repository's attributes do not name\n"
_END = b"# end of these\n"
_GIVEN = b" filter=lfs diff=lfs merge=lfs -text\n"


def given_to_lfs(git: Command, repository: Path, paths: Iterable[bytes]) -> set[bytes]:
    """Return the paths that the repository's own attributes, in its index, assign to git-lfs."""
    answer = git.run(
        *("git", "check-attr", "--cached", "-z", "--stdin", "filter"),
        cwd=repository,
        stdin=b"".join(path + b"\0" for path in paths),
    ).split(b"\0")
    ours = _ours(_content(repository))
    given = zip(answer[0::3], answer[2::3], strict=False)
    return {path for path, value in given if value == b"lfs" and _pattern(path) not in ours}


def cover(clone: Path, paths: Iterable[bytes]) -> None:
    """Assign files of a clone to git-lfs, besides those that the repository and the user assign."""
    before = _content(clone)
    lines = b"".join(_pattern(path) + _GIVEN for path in sorted(paths))
    after = _without_ours(before) + (_BEGIN + lines + _END if lines else b"")
    if after != before:
        path = _path(clone)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(after)


def _path(clone: Path) -> Path:
    return (clone if not (clone / ".git").is_dir() else clone / ".git") / "info" / "attributes"


def _content(clone: Path) -> bytes:
    try:
        return _path(clone).read_bytes()
    except FileNotFoundError:
        return b""


def _without_ours(content: bytes) -> bytes:
    before, begin, rest = content.partition(_BEGIN)
    return before + rest.partition(_END)[2] if begin else content


def _ours(content: bytes) -> set[bytes]:
    """Return the patterns of `cover`."""
    lines = content.partition(_BEGIN)[2].partition(_END)[0].splitlines(keepends=True)
    return {line.removesuffix(_GIVEN) for line in lines}


def _pattern(path: bytes) -> bytes:
    r"""Return the pattern that matches exactly one path, quoted as in C.

    >>> print(_pattern(b'a b/*"\n.bin').decode())
    "/a b/\\*\"\012.bin"
    """
    literal = b"".join(b"\\" + bytes([each]) if each in b"*?[\\" else bytes([each]) for each in b"/" + path)
    quoted = b"".join(_quoted(each) for each in literal)
    return b'"' + quoted + b'"'


def _quoted(byte: int) -> bytes:
    if byte in b'"\\':
        return b"\\" + bytes([byte])
    return b"\\%03o" % byte if byte < 32 or byte >= 127 else bytes([byte])
