"""Repair clones and LFS objects with new downloads; existing data stays until the new data is complete."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.damaged_clone import DamagedClone
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.lfs import worktree
from ptmtorrent_scrapy.git.models import USABLE, ChangedFiles, CloneRequest, CloneResult
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.storage import folders, fsync
from ptmtorrent_scrapy.storage.jsonl import json_object
from ptmtorrent_scrapy.storage.rewriting import rewrite_lines
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.finding import Finding, Kind
from ptmtorrent_scrapy.verification.verifier import Verification


class Repair:
    """Repairs the clones of a hub, one after the other."""

    def __init__(self, tree: DataTree, repository: CloneRequest, verification: Verification) -> None:
        self.tree = tree
        self._repository = repository
        self._verification = verification
        self._changed: set[str | None] = set()  # clones whose changed files are replaced
        self.remarks: list[str] = []  # messages about repaired clones

    def run(self, problems: Iterable[Finding]) -> list[Finding]:
        """Repair what a download can repair; return the problems that remain."""
        damaged = [self.tree.folder / each.path for each in problems if each.kind == Kind.OBJECT_DAMAGED]
        clones = dict.fromkeys(each.folder for each in problems if each.is_repairable and each.folder)
        broken = {each.folder for each in problems if each.kind == Kind.CLONE_DAMAGED}
        wrong = [each for each in problems if each.kind in (Kind.LINK, Kind.SECOND_COPY)]
        self._changed = {each.folder for each in problems if each.kind == Kind.WORKTREE}
        with self._aside(damaged):
            for each in wrong:  # otherwise a copy of the right size would stay
                self._remove(each)
            for folder in (*clones, *self._with_objects(damaged)):
                self._repair(folder, remake=folder in broken)
        self._write_lines()
        left = [problem for path in damaged if path.exists() and (problem := self._verification.objects.check(path))]
        for folder in clones:
            if (self.tree.repository(folder) / ".git").is_dir():
                left += self._verification.check_clone(folder)[0]
            else:
                left += [each for each in problems if each.folder == folder]
        return left

    def _remove(self, wrong: Finding) -> None:
        """Remove a file of a working tree, so that the stored one replaces it."""
        if wrong.folder:
            clone = self.tree.repository(wrong.folder)
            worktree.remove(clone, [os.fsencode(wrong.path.removeprefix(f"repos/{wrong.folder}/"))])

    def _with_objects(self, damaged: list[Path]) -> Iterator[str]:
        """Yield the clones that use damaged LFS objects."""
        oids = {path.name for path in damaged}
        if oids:
            for folder in self._verification.lines:
                if (self.tree.repository(folder) / ".git").is_dir():
                    used = self._verification.check_clone(folder)[1]
                    if not oids.isdisjoint(used):
                        yield folder

    @contextmanager
    def _aside(self, paths: Iterable[Path]) -> Iterator[None]:
        """Move damaged files aside, and restore at the end those that were not replaced."""
        store = self._verification.objects.store
        moved = [path.name for path in paths]
        for oid in moved:
            store.set_aside(oid)
        try:
            yield
        finally:
            for oid in moved:
                store.put_back(oid)

    def _repair(self, folder: str, *, remake: bool) -> None:
        path = self.tree.repository(folder)
        aside = path.with_name(f".{path.name}~damaged")
        if aside.is_dir() and not path.exists():
            remake = True  # a repair was killed before
        elif remake:
            folders.remove(aside)
            path.rename(aside)
        elif (path / ".git").is_dir():
            local.write_state(path, {**(local.state(path) or {}), "error": "marked incomplete by scrapy verify"})
        request = self._request(folder, local.state(aside if remake else path) or {})
        result = clone(replace(request, commit=None) if remake else request)
        if remake and result.status not in USABLE:
            aside.rename(path)
        elif remake:
            self._replace(folder, aside, result)
        if result.status in USABLE:
            self._note(folder, result)

    def _request(self, folder: str, state: Mapping[str, Any]) -> CloneRequest:
        """Return the request for a clone as the last crawl left it."""
        line = self._verification.lines[folder]
        return replace(
            self._repository,
            url=line["url"],
            path=str(self.tree.repository(folder).absolute()),
            changed_files=ChangedFiles.REPLACE if folder in self._changed else ChangedFiles.KEEP,
            commit=line.get("commit"),
            crawl=line.get("crawl") or "",
            lfs=state.get("lfs", self._repository.lfs),
            lfs_files=state.get("lfs_files", self._repository.lfs_files),
        )

    def _replace(self, folder: str, old: Path, result: CloneResult) -> None:
        """Remove a damaged clone, once the new one has the user's work in it."""
        new = self.tree.repository(folder)
        try:
            kept = DamagedClone(command(self._repository), old, new).give(result.url)
            if kept:
                fsync.sync(new)
        except Cancelled:
            raise
        except (GitError, OSError) as error:
            left = _free_name(new.with_name(f"{new.name}.damaged"))
            old.rename(left)
            kept = f"its damaged clone stays as {left.name}, since a user's work may be in it: {error}"
        else:
            folders.remove(old)
        result.error = "; ".join(filter(None, (result.error, kept))) or None

    def _note(self, folder: str, result: CloneResult) -> None:
        if result.error:
            self.remarks.append(f"{self.tree.hub}: repos/{folder}: {result.error}")
        line = {**result.line(), "path": f"repos/{folder}"}
        self._verification.lines[folder] = {**self._verification.lines[folder], **line}

    def _write_lines(self) -> None:
        """Rewrite repositories.jsonl with the results of the repaired clones."""
        new = {line["url"]: line for line in self._verification.lines.values()}

        def repaired(line: bytes) -> bytes:
            url = (json_object(line) or {}).get("url")
            return orjson.dumps(new[url]) + b"\n" if isinstance(url, str) and url in new else line

        rewrite_lines(self.tree.repositories, repaired)


def _free_name(path: Path) -> Path:
    """Return a path, with a number if it exists."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain([path], numbered) if not os.path.lexists(each))
