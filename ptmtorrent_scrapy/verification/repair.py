"""Mends by new downloads what they can mend; what is there stays until something better is."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.lfs import worktree
from ptmtorrent_scrapy.git.models import USABLE, CloneRequest, CloneResult
from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.atomic import AtomicFile
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.finding import Finding
from ptmtorrent_scrapy.verification.verifier import Verification


class Repair:
    """Brings the clones of a hub to what they should be, one after the other."""

    def __init__(self, tree: DataTree, repository: CloneRequest, verification: Verification) -> None:
        self.tree = tree
        self._repository = repository
        self._verification = verification

    def run(self, problems: Iterable[Finding]) -> list[Finding]:
        """Mend what can be mended; what is left of it."""
        damaged = [self.tree.folder / each.path for each in problems if each.kind == "object damaged"]
        clones = dict.fromkeys(each.folder for each in problems if each.is_repairable and each.folder)
        broken = {each.folder for each in problems if each.kind == "clone damaged"}
        wrong = [each for each in problems if each.kind == "link"]
        with self._aside(damaged):
            for each in wrong:  # a copy of the right size would stay
                self._remove(each)
            for folder in (*clones, *self._with_objects(damaged)):
                self._mend(folder, remake=folder in broken)
        self._write_lines()
        left = [problem for path in damaged if path.exists() and (problem := self._verification.objects.check(path))]
        for folder in clones:
            if (self.tree.repository(folder) / ".git").is_dir():
                left += self._verification.check_clone(folder)[0]
            else:
                left += [each for each in problems if each.folder == folder]
        return left

    def _remove(self, wrong: Finding) -> None:
        """Remove a file of a working tree, so that the stored one takes its place."""
        if wrong.folder:
            clone = self.tree.repository(wrong.folder)
            worktree.remove(clone, [os.fsencode(wrong.path.removeprefix(f"repos/{wrong.folder}/"))])

    def _with_objects(self, damaged: list[Path]) -> Iterator[str]:
        """Clones that name large files which are damaged."""
        oids = {path.name for path in damaged}
        if oids:
            for folder in self._verification.lines:
                if (self.tree.repository(folder) / ".git").is_dir():
                    named = self._verification.check_clone(folder)[1]
                    if not oids.isdisjoint(named):
                        yield folder

    @contextmanager
    def _aside(self, paths: Iterable[Path]) -> Iterator[None]:
        """Have files out of the way; those of which no better one came are put back."""
        moved = {path: path.with_name(f".{path.name}~damaged") for path in paths}
        for path, aside in moved.items():
            path.rename(aside)
        try:
            yield
        finally:
            for path, aside in moved.items():
                if path.exists():
                    aside.unlink()
                else:
                    aside.rename(path)

    def _mend(self, folder: str, *, remake: bool) -> None:
        path, line = self.tree.repository(folder), self._verification.lines[folder]
        aside = path.with_name(f".{path.name}~damaged")
        if remake:
            folders.remove(aside)
            path.rename(aside)
        elif (path / ".git").is_dir():
            local.write_state(path, {**(local.state(path) or {}), "error": "it was found wanting"})
        state = local.state(aside if remake else path) or {}
        wanted = replace(
            self._repository,
            url=line["url"],
            path=str(path.absolute()),
            discard_changes=True,
            commit=None if remake else line.get("commit"),
            lfs=state.get("lfs", self._repository.lfs),
            lfs_files=state.get("lfs_files", self._repository.lfs_files),
        )
        outcome = clone(wanted)
        if remake and outcome.status not in USABLE:
            aside.rename(path)
        elif remake:
            folders.remove(aside)
        if outcome.status in USABLE:
            self._note(folder, outcome)

    def _note(self, folder: str, outcome: CloneResult) -> None:
        told = {**outcome.line(), "path": f"repos/{folder}"}
        self._verification.lines[folder] = {**self._verification.lines[folder], **told}

    def _write_lines(self) -> None:
        """Write repositories.jsonl anew, with what became of the clones that were mended."""
        new = {line["url"]: line for line in self._verification.lines.values()}
        with self.tree.repositories.open("rb") as lines, AtomicFile(self.tree.repositories) as file:
            for line in lines:
                try:
                    url = orjson.loads(line)["url"]
                except (ValueError, TypeError, KeyError):
                    url = None
                file.write(orjson.dumps(new[url]) + b"\n" if url in new else line)
