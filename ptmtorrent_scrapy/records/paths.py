"""The paths of clones in the records on disk."""

import orjson

from ptmtorrent_scrapy.storage.atomic import JsonArrayFile
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import DataTree

_PATH, _URL = "ModelRepositoryPath", "ModelRepositoryURL"
_BRACKETS = (b"[", b"]", b"")


def set_repository_paths(tree: DataTree) -> None:
    """Write the records again so that `ModelRepositoryPath` is there exactly for the clones of repositories.jsonl.

    Nothing is written if all records say so already. The caller holds the tree. Raises `OSError`.
    """
    if not tree.records.is_file():
        return
    paths = {line["url"]: line["path"] for line in json_lines(tree.repositories, {"url": str, "path": str})}
    new = JsonArrayFile(tree.records)
    changed = False
    try:
        with tree.records.open("rb") as lines:
            for line in lines:
                if (element := line.strip().removesuffix(b",")) not in _BRACKETS:
                    written = with_path(element, paths)
                    changed = changed or written is not element
                    new.append(written)
    except BaseException:
        new.abandon()
        raise
    if changed:
        new.commit()
    else:
        new.abandon()


def with_path(element: bytes, paths: dict[str, str]) -> bytes:
    """Return the JSON of a record with the path of its clone; the same object if it says so already."""
    record = orjson.loads(element)
    path = paths.get(record.get(_URL))
    if record.get(_PATH) == path:
        return element
    if path is None:
        return orjson.dumps({name: value for name, value in record.items() if name != _PATH})
    return orjson.dumps({**record, _PATH: path})
