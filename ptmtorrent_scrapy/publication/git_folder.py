"""The `.git` folder of a packaged clone: its objects and references, without data of the machine.

Hooks, reflogs, alternates and all settings of the user are excluded. This program always writes the configuration,
so that of a package is never used.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs import worktree
from ptmtorrent_scrapy.git.remote import lasting_settings
from ptmtorrent_scrapy.publication.bag import BagError, is_baggable
from ptmtorrent_scrapy.publication.files import Entry, of_file, of_text

_OBJECTS = re.compile(r"pack/pack-[0-9a-f]+\.(pack|idx|rev|bitmap)|[0-9a-f]{2}/[0-9a-f]{38,62}")
_SINGLE = ("shallow", "info/attributes", "ptmtorrent-files.jsonl")
_ID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


def configuration(url: str, commit: str, branch: str | None) -> bytes:
    """Return the text of `.git/config` of a clone."""
    settings = {"core.repositoryformatversion": "0", "core.bare": "false", "core.logAllRefUpdates": "true"}
    if len(commit) == 64:
        settings |= {"core.repositoryformatversion": "1", "extensions.objectFormat": "sha256"}
    settings |= lasting_settings(url)
    settings |= {"remote.origin.url": url, "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*"}
    if branch:
        settings |= {f"branch.{branch}.remote": "origin", f"branch.{branch}.merge": f"refs/heads/{branch}"}
    return _config_text(settings)


def packaged_files(clone: Path, path: str, url: str) -> Iterator[Entry]:
    """Yield the files of `.git` that go into the package at `path`, without the index. Raise `BagError`, `OSError`."""
    git = clone / ".git"
    if (git / "objects" / "info" / "alternates").exists():
        raise BagError(f"{clone} has its objects in another repository (alternates)")
    branch, commit = local.head(clone)
    yield of_text(f"{path}/HEAD", (git / "HEAD").read_bytes())
    yield of_text(f"{path}/config", configuration(url, commit or "", branch))
    yield from _references(git, path, branch)
    for name in _SINGLE:
        if (git / name).is_file() and (entry := of_file(f"{path}/{name}", git / name, is_final=True)):
            yield entry
    for file in files_below(git / "objects"):
        name = file.relative_to(git / "objects").as_posix()
        if _OBJECTS.fullmatch(name) and (entry := of_file(f"{path}/objects/{name}", file, is_final=True)):
            yield entry


def index(git: Command, clone: Path, commit: str, scratch: Path, unchanged: Iterable[bytes] = ()) -> bytes:
    """Return an index of the commit without file status, the same on every machine.

    `unchanged` are files that git is not to compare with their pointers. Raise `GitError`.
    """
    other = replace(git, environment={**git.environment, "GIT_INDEX_FILE": str(scratch.absolute())})
    try:
        other.run("git", "read-tree", commit, cwd=clone)
        worktree.assume_unchanged(clone, unchanged, other)
        return scratch.read_bytes()
    finally:
        scratch.unlink(missing_ok=True)


def renew(git: Command, clone: Path, url: str, scratch: Path) -> None:
    """Write configuration and index from URL and HEAD; those of a package are not trusted. Raise errors of git."""
    for folder in ("objects", "refs"):
        (clone / ".git" / folder).mkdir(parents=True, exist_ok=True)
    branch, commit = local.head(clone) if local.is_sound(clone) else (None, None)
    if commit is None:
        raise BagError(f"{clone} has no commit at its HEAD")
    (clone / ".git" / "config").write_bytes(configuration(url, commit, branch))
    (clone / ".git" / "index").write_bytes(index(git, clone, commit, scratch))


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder in order; symbolic links are neither followed nor returned."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: os.fsencode(entry.name)):
            if entry.is_dir(follow_symlinks=False):
                yield from files_below(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _references(git: Path, path: str, branch: str | None) -> Iterator[Entry]:
    """Yield `packed-refs` with all references, and the loose ones that git needs to recognise a repository."""
    references, symbolic = read_references(git)
    lines = (f"{references[name]} {name}\n" for name in sorted(references, key=os.fsencode))
    yield of_text(f"{path}/packed-refs", os.fsencode("".join(lines)))
    for name, target in sorted(symbolic.items()):
        if is_baggable(name):
            yield of_text(f"{path}/{name}", os.fsencode(f"ref: {target}\n"))
    candidates = [f"refs/heads/{branch}", *sorted(references)]
    if loose := next((name for name in candidates if name in references and is_baggable(name)), None):
        yield of_text(f"{path}/{loose}", f"{references[loose]}\n".encode())


def read_references(git: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return (ids, targets of symbolic references) by their names."""
    references: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in os.fsdecode((git / "packed-refs").read_bytes()).split("\n"):
            oid, _, name = line.partition(" ")
            if _ID.fullmatch(oid) and name.startswith("refs/"):
                references[name] = oid
    for file in files_below(git / "refs"):
        name, text = file.relative_to(git).as_posix(), os.fsdecode(file.read_bytes()).strip()
        if text.startswith("ref: refs/"):
            symbolic[name] = text.removeprefix("ref: ")
        elif _ID.fullmatch(text):
            references[name] = text
    return references, symbolic


def _config_text(settings: Mapping[str, str]) -> bytes:
    """Return the text of a configuration file (git-config(1)) with these settings.

    >>> _config_text({"branch.a.b.remote": "origin"})
    b'[branch "a.b"]\\n\\tremote = "origin"\\n'
    """
    sections: dict[str, list[str]] = {}
    for name, value in settings.items():
        section, _, rest = name.partition(".")
        middle, _, key = rest.rpartition(".")
        title = f"{section} {_quoted(middle)}" if middle else section
        sections.setdefault(title, []).append(f"\t{key} = {_quoted(value)}\n")
    return os.fsencode("".join(f"[{title}]\n{''.join(lines)}" for title, lines in sections.items()))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def is_packaged(name: str) -> bool:
    """Return whether a package may have a file of this name in `.git`; names of references must be plain."""
    if name in ("HEAD", "config", "index", "packed-refs", local.STATE, *_SINGLE):
        return True
    if name.startswith("objects/"):
        return _OBJECTS.fullmatch(name.removeprefix("objects/")) is not None
    return name.startswith("refs/") and not name.endswith((".lock", "/")) and name.isprintable()
