"""Find files that no index names, and temporary files of killed crawls."""

from collections.abc import Container, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ptmtorrent_scrapy.git.local import state
from ptmtorrent_scrapy.snapshots.writer import names
from ptmtorrent_scrapy.storage.tree import DataTree, is_work
from ptmtorrent_scrapy.verification.finding import UNNAMED, Finding, Kind, at, left_over, stray, was_cut

_FOLDERS = ("html", "json", "repos", "lfs", "snapshots", "cache")
_STORE = ("objects", "incomplete", "tmp", "locks", "logs", "cache", "checked", "written")
_WRITTEN = "was written into a large file that clones share; delete it once you no longer need it"


class UnknownFiles:
    """Finds files that do not belong in a hub's folder, except in clones and the store, which have other checks."""

    def __init__(self, tree: DataTree, pages: Sequence[str]) -> None:
        self.tree = tree
        self._pages = pages  # patterns of the pages that a crawl saves, below the hub's folder

    def find(self, cloned: Container[str]) -> Iterator[Finding]:
        """Yield all of them; `cloned` are the AUTHOR/MODEL that have a line in repositories.jsonl."""
        folder, tree = self.tree.folder, self.tree
        yield from self._unknown(folder, {folder / name for name in (*_FOLDERS, f".{tree.hub}~lock")})
        lines = {tree.repositories, tree.files, tree.rejected, tree.commit_checks, tree.crawls}
        yield from self._unknown(folder / "json", {tree.records, folder / "json" / "metadata", *lines})
        yield from self._unknown(tree.store, {tree.store / name for name in _STORE})
        for path in _entries(tree.store / "written"):
            yield at(tree, Kind.LOCAL_CHANGES, path, _WRITTEN)
        yield from self._unknown(tree.snapshots, {tree.snapshots / name for name in names(tree)})
        for pages in (folder / "html", folder / "json" / "metadata"):
            yield from self._unkept(pages)
        for author in _entries(folder / "repos"):
            if author.is_dir() and not author.is_symlink():
                yield from self._unnamed(author, cloned)
            else:
                yield stray(tree, author)

    def _unnamed(self, author: Path, cloned: Container[str]) -> Iterator[Finding]:
        for path in _entries(author):
            if is_work(path.name):
                yield left_over(self.tree, path)
            elif f"{author.name}/{path.name}" not in cloned:
                made = was_cut(self.tree) and state(path) is not None
                yield at(self.tree, Kind.WORK_IN_PROGRESS, path, UNNAMED) if made else stray(self.tree, path)

    def _unknown(self, folder: Path, known: Container[Path]) -> Iterator[Finding]:
        for path in _entries(folder):
            if path not in known:
                yield left_over(self.tree, path) if is_work(path.name) else stray(self.tree, path)

    def _unkept(self, folder: Path) -> Iterator[Finding]:
        for path in sorted(folder.rglob("*")):
            name = PurePosixPath(path.relative_to(self.tree.folder))
            if is_work(path.name):
                yield left_over(self.tree, path)
            elif not path.is_dir() and not any(name.match(pattern) for pattern in self._pages):
                yield stray(self.tree, path)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
