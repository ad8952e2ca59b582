"""All hubs of a data tree."""

from collections.abc import Sequence
from pathlib import Path

from ptmtorrent_scrapy.catalog.hub import CollectedHub
from ptmtorrent_scrapy.storage.tree import UnusableName, check_name


class CatalogError(Exception):
    """A tree or a hub that cannot be read; the message says which, and what to do."""


class UnknownHub(CatalogError):
    """A hub that the tree does not have; the message lists the existing ones."""


class Catalog:
    """A data tree, such as `data`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def hubs(self, names: Sequence[str] = ()) -> list[CollectedHub]:
        """Return the named hubs, or all that have data, sorted by name. Raise `CatalogError`."""
        try:
            there = sorted(path.name for path in self.root.iterdir() if _has_data(path))
        except OSError as error:
            raise CatalogError(f"{error.filename or self.root} cannot be read: {error.strerror}") from None
        if not there:
            raise CatalogError(f"{self.root} has no data of a hub; crawl one first, or set another DATA_DIR")
        for name in names:
            if name not in there:
                raise UnknownHub(f"{name!r} is not a hub in {self.root}; choose from {', '.join(there)}")
        return [CollectedHub(self.root, name) for name in there if not names or name in names]


def _has_data(folder: Path) -> bool:
    """Return whether a folder is that of a hub with data."""
    try:
        check_name(folder.name)
    except UnusableName:
        return False
    json = folder / "json"
    names = (f"{folder.name}.json", "repositories.jsonl", "files.jsonl", "crawls.jsonl")
    return json.is_dir() and (any((json / name).is_file() for name in names) or any((json / "metadata").glob("*.json")))
