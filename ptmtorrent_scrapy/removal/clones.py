"""Find and remove clones: those that a user names, and those that the hub no longer lists."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy.catalog import CollectedHub, Pair
from ptmtorrent_scrapy.removal.removal import CannotRemove, Kind, Removal, freed
from ptmtorrent_scrapy.storage import folders
from ptmtorrent_scrapy.storage.fsync import sync_paths
from ptmtorrent_scrapy.storage.jsonl import json_object
from ptmtorrent_scrapy.storage.rewriting import rewrite_elements, rewrite_lines
from ptmtorrent_scrapy.storage.tree import DataTree, UnusableName

_PATH = "ModelRepositoryPath"


def named(tree: DataTree, names: Iterable[str]) -> list[Removal]:
    """Return the clones with these names: AUTHOR/MODEL below repos/, ids of models, or clone URLs.

    Raise `CannotRemove` for a name that no clone has.
    """
    paths = _paths_by_name(tree)
    found = {}
    for name in names:
        path = paths.get(name.strip("/")) or paths.get(name.removeprefix("repos/"))
        if path is None:
            near = difflib.get_close_matches(name, paths, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; repositories.jsonl has the clones"
            raise CannotRemove(f"{name}: no clone of {tree.hub} has this name{hint}")
        found[path] = _removal(tree, path)
    return list(found.values())


def not_listed(tree: DataTree) -> list[Removal]:
    """Return the clones of repositories that the last crawl did not list. Raise `CannotRemove`."""
    left = {line["path"]: line for line in _clones(tree)}
    paths = {name: path for path, line in left.items() for name in (path, path.removeprefix("repos/"), line["url"])}
    with CollectedHub(tree.root, tree.hub).open() as pair:
        if not pair.has_records and not pair.metadata:
            raise CannotRemove(f"{tree.folder} has no listing; run: scrapy crawl {tree.hub} -a fraction=0")
        for name in _listed(pair):
            if path := paths.get(name):
                left.pop(path, None)
    return [_removal(tree, path) for path in left]


def _listed(pair: Pair) -> Iterator[str]:
    """Yield all names of all models, or the ids of datasets and spaces, which have no records."""
    if pair.has_records:
        for record, _ in pair.records(with_objects=False):
            yield from _names(record)
    else:
        for name in pair.metadata:
            yield from (found["id"] for _, found in pair.objects(name) if isinstance(found.get("id"), str))
    for line in pair.rejected():
        yield from (line[key] for key in ("name", "repository") if isinstance(line.get(key), str))


def remove_clones(tree: DataTree, removals: Sequence[Removal]) -> None:
    """Remove clones, their lines and their paths in the records. The caller holds the tree. Raise `OSError`.

    The folders are renamed first and deleted last, so a second run finishes an interrupted one.
    """
    aside = [removal.aside() for removal in removals]
    paths = {removal.path.relative_to(tree.folder).as_posix() for removal in removals}
    urls = {line["url"] for line in _clones(tree) if line["path"] in paths}
    rewrite_lines(tree.repositories, lambda line: None if _has(line, "path", paths) else line)
    rewrite_lines(tree.files, lambda line: None if _has(line, "repository", urls) else line)
    rewrite_elements(tree.records, lambda element: _without_path(element, paths))
    for folder in aside:
        folders.remove(folder)
    _remove_empty({folder.parent for folder in aside})


def _clones(tree: DataTree) -> Iterator[dict[str, Any]]:
    """Yield the lines of repositories.jsonl that have a clone."""
    for line in CollectedHub(tree.root, tree.hub).repositories():
        if isinstance(line.get("path"), str) and isinstance(line.get("url"), str):
            yield line


def _paths_by_name(tree: DataTree) -> dict[str, str]:
    """Return the path of each clone by all names that a user may give it."""
    found = {}
    by_url = {line["url"]: line["path"] for line in _clones(tree)}
    for url, path in by_url.items():
        found.update(dict.fromkeys((url, url.removesuffix(".git"), path, path.removeprefix("repos/")), path))
    with CollectedHub(tree.root, tree.hub).open() as pair:
        for record, _ in pair.records(with_objects=False):
            if path := record.get(_PATH) or by_url.get(record.get("ModelRepositoryURL", "")):
                found.setdefault(record["ModelName"], path)
    return found


def _removal(tree: DataTree, path: str) -> Removal:
    try:
        clone = tree.repository(path.removeprefix("repos/"))
    except UnusableName as error:
        raise CannotRemove(f"{tree.repositories}: {error}; run: scrapy verify {tree.hub}") from None
    return Removal(kind=Kind.CLONE, path=clone, bytes=freed(clone) if clone.is_dir() else 0)


def _names(record: dict[str, Any]) -> Iterator[str]:
    """Yield the repository URLs of a record; earlier versions wrote only its model's URL."""
    for key in (_PATH, "ModelRepositoryURL", "ModelURL", "ModelName"):
        if isinstance(record.get(key), str):
            yield record[key]


def _has(line: bytes, key: str, values: set[str]) -> bool:
    value = json_object(line)
    return value is not None and isinstance(value.get(key), str) and value[key] in values


def _without_path(element: bytes, paths: set[str]) -> bytes:
    if not _has(element, _PATH, paths):
        return element
    return orjson.dumps({key: value for key, value in orjson.loads(element).items() if key != _PATH})


def _remove_empty(parents: Iterable[Path]) -> None:
    """Remove the folders of authors that have no clone left."""
    for parent in parents:
        if not any(parent.iterdir()):
            parent.rmdir()
            sync_paths([parent.parent])
