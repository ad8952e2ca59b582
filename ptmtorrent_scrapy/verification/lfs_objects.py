"""Large files in the store: whether each is what its name says, and whether anything names it."""

import hashlib
import os
from collections.abc import Container, Iterator
from pathlib import Path

from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.storage.tree import DataTree, is_work
from ptmtorrent_scrapy.verification.finding import Finding, at, left_over, stray


def digest(path: Path | bytes) -> str:
    """The SHA-256 of a file, hexadecimal; no link is followed. Raises `OSError`."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Objects:
    """Looks at the large files of a hub."""

    def __init__(self, tree: DataTree) -> None:
        self.tree = tree
        self._store = Store(tree.store)

    def paths(self) -> Iterator[Path]:
        """All that is in the store."""
        for folder, _, names in os.walk(self.tree.store / "objects"):
            yield from (Path(folder, name) for name in names)

    def check(self, path: Path) -> Finding | None:
        """What is wrong with one of them."""
        if is_work(path.name):
            return left_over(self.tree, path)
        if not self._is_object(path):
            return stray(self.tree, path)
        try:
            found = digest(path)
        except OSError as error:
            return at(self.tree, "object damaged", path, f"cannot be read: {error.strerror}")
        return None if found == path.name else at(self.tree, "object damaged", path, f"has the SHA-256 {found}")

    def unused(self, named: Container[bytes]) -> Iterator[Finding]:
        """Those of which `named` has no id."""
        for path in self.paths():
            if self._is_object(path) and bytes.fromhex(path.name) not in named:
                yield at(self.tree, "unused", path, "no clone has it at its HEAD; older commits may")

    def _is_object(self, path: Path) -> bool:
        is_id = len(path.name) == 64 and set(path.name) <= set("0123456789abcdef")
        return is_id and path == self._store.object(path.name)
