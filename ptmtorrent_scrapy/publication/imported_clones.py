"""Assemble clones of a package: git's own files, the working tree, the large files linked from lfs/."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.git import local, tree_files
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import check_url
from ptmtorrent_scrapy.git.errors import Refused
from ptmtorrent_scrapy.git.lfs import attributes, own_storage, pointers, worktree
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import LfsMode, LfsPlacement
from ptmtorrent_scrapy.publication import git_folder
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.storage.atomic import AtomicFile
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import DataTree, UnusableName, check_folder

_PROTOCOLS = ("http", "https", "git", "ssh")
_NAMES: dict[str, tuple[type, ...]] = {"lfs": (str,), "lfs_files": (str,), "error": (str, type(None))}


@dataclass(frozen=True, kw_only=True)
class ImportedClone:
    """An assembled clone."""

    path: str  # repos/AUTHOR/MODEL
    missing: int  # requested large files that the package does not have


class ImportedClones:
    """The clones of one hub; `finish` is used by many threads."""

    def __init__(self, root: Path, hub: str, git: Command) -> None:
        self._tree = DataTree(root, hub)
        self._store = Store(self._tree.store)
        self._git = git

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of repositories.jsonl whose clone is in the package. Raise `BagError`."""
        for line in json_lines(self._tree.repositories, {"url": str}):
            if isinstance(line.get("path"), str) and self._clone(line).is_dir():
                yield line

    def finish(self, line: Mapping[str, Any]) -> ImportedClone:
        """Assemble a clone. Raise `BagError`, `GitError`, `OSError`."""
        clone = self._clone(line)
        try:
            url = check_url(line["url"], _PROTOCOLS)
        except Refused as error:
            raise BagError(str(error)) from None
        (clone / ".git" / "info" / "attributes").unlink(missing_ok=True)
        git_folder.renew(self._git, clone, url, self._tree.root / f".index~{threading.get_ident()}")
        commit = local.head(clone)[1]
        if commit is None or commit != line.get("commit"):
            raise BagError(f"{line['path']} is at {commit}, and repositories.jsonl says {line.get('commit')!a}")
        self._complete_working_tree(clone)
        return self._place_large_files(clone, line["path"], commit)

    def write_lines(self) -> None:
        """Update repositories.jsonl and files.jsonl for clones that lack large files."""
        if self._tree.files.is_file():
            with AtomicFile(self._tree.files) as file:
                for line in self.lines():
                    file.writelines(tree_files.read(self._clone(line), line["url"]))
        with AtomicFile(self._tree.repositories) as file:
            for line in json_lines(self._tree.repositories, {}):
                file.write(orjson.dumps(self._line(line)) + b"\n")

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return a line of repositories.jsonl; a clone without all of its large files is `partial`."""
        if not isinstance(line.get("path"), str) or not (state := local.state(self._clone(line))):
            return line
        if not state["error"] or line.get("status") == "partial":
            return line
        sizes = {name: state[name] for name in ("lfs_objects", "lfs_bytes")}
        return {**line, "status": "partial", "error": state["error"], **sizes}

    def _clone(self, line: Mapping[str, Any]) -> Path:
        try:
            return self._tree.repository(check_folder(line["path"].removeprefix("repos/")))
        except UnusableName as error:
            raise BagError(f"repositories.jsonl: {error}") from None

    def _complete_working_tree(self, clone: Path) -> None:
        """Write the files that the package could not contain, and the folders of submodules; renew git's index."""
        missing = self._git.run("git", "ls-files", "-z", "--deleted", cwd=clone)
        if missing:
            self._git.run("git", "checkout-index", "-z", "--stdin", "--quiet", cwd=clone, stdin=missing)
        self._git.run("git", "update-index", "-q", "--refresh", cwd=clone, ok=(0, 1))

    def _place_large_files(self, clone: Path, path: str, commit: str) -> ImportedClone:
        state = _state(clone, path)
        large = pointers.of_commit(self._git, clone, commit)
        which = LfsMode.NONE if state.get("large") else state["lfs"]
        wanted = pointers.wanted(self._git, clone, commit, large, which)
        if state["lfs_files"] != LfsPlacement.POINTER:
            link = state["lfs_files"] == LfsPlacement.LINK
            attributes.cover(clone, (name for name, pointer in wanted.items() if not pointer.is_covered))
            linked = worktree.place(clone, wanted, self._store, git=self._git, link=link)
            state["copied"] = not linked
        for pointer in own_storage.link_objects(clone, wanted.values(), self._store):
            self._store.note_checked(pointer.oid)
        missing = self._store.missing(wanted.values())
        if missing and not state["error"]:
            state["error"] = _reason(len(missing))
        there = [pointer for pointer in dict.fromkeys(wanted.values()) if self._store.has(pointer)]
        state["objects"] = {pointer.oid: pointer.size for pointer in there}
        state["lfs_objects"], state["lfs_bytes"] = len(there), sum(pointer.size for pointer in there)
        state["bytes"] = tree_files.write(self._git, clone, commit, large, set(there))
        local.write_state(clone, state)
        return ImportedClone(path=path, missing=len(missing))


def _reason(missing: int) -> str:
    return f"{missing} large files were not in the package that was imported"


def _state(clone: Path, path: str) -> dict[str, Any]:
    """Return the state of a clone from the package. Raise `BagError` if it is invalid."""
    state = local.state(clone)
    if not state or not all(isinstance(state[name], kinds) for name, kinds in _NAMES.items()):
        raise BagError(f"{path} was never finished by the crawl that cloned it")
    is_known = state["lfs"] in (LfsMode.AUTO, LfsMode.ALL, LfsMode.NONE) or (
        state["lfs"].isascii() and state["lfs"].isdecimal()
    )
    if not is_known or state["lfs_files"] not in list(LfsPlacement):
        raise BagError(f"{path} has a state that this program does not know")
    return state
