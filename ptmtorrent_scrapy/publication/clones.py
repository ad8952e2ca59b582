"""The files of a packaged clone: `.git`, the working tree, and the large files that its HEAD names."""

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.blobs import objects
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.lfs import pointers
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.publication import git_folder
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.files import Entry, of_file, of_text
from ptmtorrent_scrapy.publication.repositories import PackagedRepository
from ptmtorrent_scrapy.storage.tree import DataTree

_SUBMODULE = b"160000"
_LAST_TIME = (1 << 33) - 1  # seconds since 1970 that a tar header holds


@dataclass(kw_only=True)
class PackagedClone:
    """The files of a clone that go into the package."""

    repository: PackagedRepository
    path: str  # data/HUB/repos/AUTHOR/MODEL
    time: int  # of the commit, in seconds since 1970
    files: list[Entry] = field(default_factory=list)
    objects: list[Entry] = field(default_factory=list)  # large files, each once
    names: dict[str, str] = field(default_factory=dict)  # path of a large file in the repository, by SHA-256
    unreadable: int = 0  # files of the commit that are missing from the working tree


def object_path(hub: str, oid: str) -> str:
    """Return the path of a large file in a package."""
    return f"data/{hub}/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}"


class Clones:
    """Lists the files of clones; used by many threads."""

    def __init__(self, git: Callable[[str], Command], scratch: Path, *, as_pointers: bool) -> None:
        """Prepare it; `git` returns the git settings of a hub, `as_pointers` keeps large files as pointers."""
        self._git = git
        self._scratch = scratch
        self._as_pointers = as_pointers

    def packaged(self, root: Path, repository: PackagedRepository) -> PackagedClone:
        """Return the files of a clone for the package. Raise `BagError`, `GitError`, `OSError`."""
        tree, git = DataTree(root, repository.hub), self._git(repository.hub)
        clone = tree.repository(repository.folder)
        commit = local.head(clone)[1]
        if commit is None:
            raise BagError(f"{clone} has no commit at its HEAD")
        path = f"data/{repository.hub}/repos/{repository.folder}"
        found = PackagedClone(repository=repository, path=path, time=_time(git, clone, commit))
        found.files += git_folder.packaged_files(clone, f"{path}/.git", repository.url)
        large = pointers.of_commit(git, clone, commit)
        found.files.append(of_text(f"{path}/.git/index", self._index(git, clone, commit, large)))
        found.files.append(of_text(f"{path}/.git/{local.STATE}", _state(clone, root)))
        self._add_objects(found, Store(tree.store), large)
        found.files += self._working_tree(found, clone, _tracked(git, clone, commit), large)
        return found

    def _index(self, git: Command, clone: Path, commit: str, large: Mapping[bytes, Pointer]) -> bytes:
        odd = [] if self._as_pointers else [name for name, pointer in large.items() if not pointer.is_canonical]
        return git_folder.index(git, clone, commit, self._scratch / f"index-{threading.get_ident()}", odd)

    def _add_objects(self, clone: PackagedClone, store: Store, large: Mapping[bytes, Pointer]) -> None:
        for name, pointer in sorted(large.items()):
            if pointer.oid not in clone.names and store.has(pointer):
                clone.names[pointer.oid] = os.fsdecode(name)
                path = object_path(clone.repository.hub, pointer.oid)
                entry = of_file(path, store.object(pointer.oid), is_final=True, oid=pointer.oid)
                clone.objects += [entry] if entry else []

    def _working_tree(
        self, clone: PackagedClone, folder: Path, tracked: Mapping[bytes, bytes], large: Mapping[bytes, Pointer]
    ) -> Iterator[Entry]:
        """Yield the files of the working tree that git knows, and links to the large files."""
        oids = [tracked[name] for name in large if name in tracked]
        texts = dict(zip(oids, objects(self._git(clone.repository.hub), folder, oids), strict=True))
        parents: dict[str, bool] = {}
        if not self._as_pointers:
            for oid in clone.names:  # git-lfs's own links, which the clone has, too
                stored = object_path(clone.repository.hub, oid)
                own = f"{clone.path}/.git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}"
                yield Entry(own, b"", 0, link=stored, mode=0o444)
        for name in tracked:
            path = f"{clone.path}/{os.fsdecode(name)}"
            if name in large and self._as_pointers:
                yield of_text(path, texts[tracked[name]])
            elif entry := _tracked_file(folder, os.fsdecode(name), path, parents):
                yield self._linked(clone, entry, large.get(name))
            else:
                clone.unreadable += 1

    def _linked(self, clone: PackagedClone, entry: Entry, pointer: Pointer | None) -> Entry:
        """Return a large file as a link to its object, if the working tree has the file instead of its pointer."""
        if pointer is None or entry.size != pointer.size or pointer.oid not in clone.names:
            return entry
        return Entry(entry.path, b"", 0, link=object_path(clone.repository.hub, pointer.oid), mode=0o444)


def _tracked(git: Command, clone: Path, commit: str) -> dict[bytes, bytes]:
    """Return the ids of the files of a commit by their paths, in order."""
    found = {}
    for line in git.run("git", "ls-tree", "-r", "-z", "--full-tree", commit, cwd=clone).split(b"\0")[:-1]:
        meta, name = line.split(b"\t", 1)
        mode, _, oid = meta.split()
        if mode != _SUBMODULE:
            found[name] = oid
    return dict(sorted(found.items()))


def _tracked_file(folder: Path, name: str, path: str, parents: dict[str, bool]) -> Entry | None:
    """Return a file of the working tree; None if it is missing or a folder in its path is a symbolic link."""
    parent = os.path.dirname(name)
    if parent not in parents:
        real = os.path.realpath(folder / parent)
        parents[parent] = real == os.path.join(os.path.realpath(folder), *filter(None, parent.split("/")))
    if not parents[parent]:
        return None
    try:
        return of_file(path, folder / name)
    except OSError:
        return None


def _time(git: Command, clone: Path, commit: str) -> int:
    """Return the time of a commit, in seconds since 1970."""
    text = git.run("git", "show", "--no-patch", "--no-show-signature", "--format=%ct", commit, cwd=clone).strip()
    return min(max(int(text or b"0"), 0), _LAST_TIME)


def _state(clone: Path, root: Path) -> bytes:
    """Return the state of the clone, without paths of this machine."""
    return without_paths((clone / ".git" / local.STATE).read_bytes(), root)


def without_paths(text: bytes, root: Path) -> bytes:
    """Return a text in which paths of the data tree on this machine are paths in the package."""
    for path in _paths(root):
        text = text.replace(path, b"data")
    return text


@functools.cache
def _paths(root: Path) -> tuple[bytes, bytes]:
    return os.fsencode(os.path.realpath(root)), os.fsencode(os.path.abspath(root))
