"""Check LFS objects in the store: whether the content matches the name, and whether any clone uses it."""

import os
from collections.abc import Container, Iterator
from pathlib import Path

from ptmtorrent_scrapy.git.lfs.checks import digest
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.storage.tree import DataTree, is_work
from ptmtorrent_scrapy.verification.finding import Finding, Kind, at, left_over, stray


class Objects:
    """Checks the LFS objects of a hub."""

    def __init__(self, tree: DataTree) -> None:
        self.tree = tree
        self.store = Store(tree.store)

    def paths(self) -> Iterator[Path]:
        """Yield the files in the store."""
        for folder, _, names in os.walk(self.tree.store / "objects"):
            yield from (Path(folder, name) for name in names)

    def check(self, path: Path) -> Finding | None:
        """Return the problem of a file in the store, or None."""
        if is_work(path.name):
            return left_over(self.tree, path)
        if not self._is_object(path):
            return stray(self.tree, path)
        try:
            found = digest(path)
        except OSError as error:
            return at(self.tree, Kind.OBJECT_DAMAGED, path, f"cannot be read: {error.strerror}")
        return None if found == path.name else at(self.tree, Kind.OBJECT_DAMAGED, path, f"has the SHA-256 {found}")

    def unused(self, named: Container[bytes]) -> Iterator[Finding]:
        """Yield the objects whose ids are not in `named`."""
        for path in self.paths():
            if self._is_object(path) and bytes.fromhex(path.name) not in named:
                yield at(self.tree, Kind.UNUSED, path, "no clone has it at its HEAD; older commits may")

    def _is_object(self, path: Path) -> bool:
        is_id = len(path.name) == 64 and set(path.name) <= set("0123456789abcdef")
        return is_id and path == self.store.object(path.name)
