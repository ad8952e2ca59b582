"""Write json/files.jsonl: one line for each file at the HEAD of each clone, from the lists that the clones keep."""

from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.git import tree_files
from ptmtorrent_scrapy.storage.atomic import AtomicFile
from ptmtorrent_scrapy.storage.jsonl import json_lines
from ptmtorrent_scrapy.storage.tree import DataTree


def write_file_list(tree: DataTree) -> None:
    """Write the files of all clones that repositories.jsonl names, clone by clone. Raise `OSError`."""
    with AtomicFile(tree.files) as file:
        for clone, url in _clones(tree):
            if tree_files.path(clone).is_file():
                file.writelines(tree_files.read(clone, url))


def _clones(tree: DataTree) -> Iterator[tuple[Path, str]]:
    for line in json_lines(tree.repositories, {"url": str}):
        if isinstance(path := line.get("path"), str):
            yield tree.folder / path, line["url"]
