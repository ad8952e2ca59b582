"""The paths of clones in the records on disk."""

import orjson

from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.rewriting import rewrite_elements
from ptmtorrent_scrapy.storage.tree import DataTree

_PATH, _URL = "ModelRepositoryPath", "ModelRepositoryURL"


def set_repository_paths(tree: DataTree) -> None:
    """Write the records again, with `ModelRepositoryPath` exactly for the clones of repositories.jsonl.

    Nothing is written if no record changes. The caller holds the lock of the tree. Raise `OSError`.
    """
    lines = json_lines(tree.repositories, {"url": str})
    paths = {line["url"]: line["path"] for line in lines if isinstance(line.get("path"), str)}
    rewrite_elements(tree.records, lambda element: with_path(element, paths))


def with_path(element: bytes, paths: dict[str, str]) -> bytes:
    """Return the JSON of a record with the path of its clone; the same object if nothing changes."""
    record = orjson.loads(element)
    path = paths.get(record.get(_URL))
    if record.get(_PATH) == path:
        return element
    if path is None:
        return orjson.dumps({name: value for name, value in record.items() if name != _PATH})
    return orjson.dumps({**record, _PATH: path})
