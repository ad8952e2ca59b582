"""Rewrite the records of an imported hub, which name their metadata by the folder of the tree."""

import io
import os
from pathlib import Path

import orjson

from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.storage.atomic import JsonArrayFile
from ptmtorrent_scrapy.storage.json_reading import elements
from ptmtorrent_scrapy.storage.tree import DataTree


def rewrite_records(root: Path, hub: str, name: str) -> None:
    """Change the metadata paths of the records below `root` to a tree of this name. Raise `BagError`, `OSError`."""
    path = DataTree(root, hub).records
    if name == "data" or not path.is_file():
        return
    with path.open("rb", buffering=0) as raw, io.BufferedReader(raw, 1 << 20) as read, JsonArrayFile(path) as array:
        for element in elements(read, lambda text: _fail(path, text)):
            array.append(orjson.dumps(_renamed(element.value, name)))


def _renamed(record: object, name: str) -> object:
    hub = record.get("ModelHub") if isinstance(record, dict) else None
    if isinstance(hub, dict) and isinstance(file := hub.get("MetadataFilePath"), str):
        hub["MetadataFilePath"] = f"{name}/{file.partition('/')[2]}"
    return record


def _fail(path: Path, text: str) -> None:
    raise BagError(f"{os.fspath(path)}: {text}; get the package again")
