"""Make the lines of earlier crawls agree with the listing and with the clones on disk."""

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from ptmtorrent_scrapy.crawl.clone_lines import CloneLines
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.models import CloneResult, CloneStatus
from ptmtorrent_scrapy.git.origin import origin, set_origin
from ptmtorrent_scrapy.storage.tree import DataTree, is_work

logger = logging.getLogger(__name__)

_OF_STATE = {"git_bytes": int, "lfs_objects": int, "lfs_bytes": int, "crawl": str}


def reconcile(listing: CrawlDatabase, tree: DataTree) -> bool:
    """Give every clone one line, under its URL in the listing, and remove lines whose clone is gone.

    Return whether lines of clones have changed.
    """
    lines = listing.lines
    changes = _move_lines(lines, tree), _renew_lines(lines, listing, tree), _adopt(lines, listing, tree)
    return any(changes)


def _move_lines(lines: CloneLines, tree: DataTree) -> int:
    """Give lines of models whose hub has moved their new URL; return how many."""
    moved = [line for line in lines.moved() if is_same(line.old_url, key=line.key, folder=line.folder)]
    for line in moved:
        lines.move(line.old_url, line.url)
        clone = tree.repository(line.folder)
        if local.is_sound(clone):
            set_origin(clone, line.url)
    if moved:
        logger.info("kept %s from the previous address of this hub", counted(len(moved), "clone"))
    return len(moved)


def _renew_lines(lines: CloneLines, listing: CrawlDatabase, tree: DataTree) -> int:
    """Bring the lines of clones that this crawl does not work on up to date with the disk; return how many changed."""
    changed = 0
    for url, path in lines.not_chosen():
        if not (tree.folder / path / ".git").is_dir():
            logger.info("%s does not exist any more; its line was removed", path)
            lines.drop(url)
        elif result := _newer(tree.folder / path, listing.result(url)):
            result.url, result.path = url, path
            listing.set_result(url, orjson.dumps(result.line()), path=path)
        else:
            continue
        changed += 1
    return changed


def is_same(old_url: str, *, key: str, folder: str) -> bool:
    """Return whether a URL of an earlier crawl belongs to a model: hubs move, ids stay.

    >>> is_same("https://huggingface.co/o/m", key="o/m", folder="o/m")
    True
    >>> is_same("https://huggingface.co/gpt2", key="huggingface.co/gpt2", folder="huggingface.co/gpt2")
    False
    >>> is_same("https://mirror.example/huggingface.co/gpt2", key="gpt2", folder="huggingface.co/gpt2")
    False
    """
    path = unquote(urlsplit(old_url).path).rstrip("/").removesuffix(".git")
    if key != folder and path.endswith(f"/{folder}"):
        return False
    return path.endswith(f"/{key}")


def _adopt(lines: CloneLines, listing: CrawlDatabase, tree: DataTree) -> int:
    """Add lines for clones of a crawl that was killed before it wrote them."""
    adopted = 0
    for folder in _clones(tree.folder / "repos"):
        path = f"repos/{folder}"
        if lines.url_at(path) is None and (result := _described(tree.folder / path)):
            result.path, result.url = path, lines.listed_in(folder) or result.url
            if result.url and listing.clone_path(result.url) is None:
                listing.set_result(result.url, orjson.dumps(result.line()), path=path)
                adopted += 1
    if adopted:
        logger.info("kept %s that an earlier crawl had not recorded", counted(adopted, "clone"))
    return adopted


def _clones(repos: Path) -> Iterator[str]:
    """Yield the AUTHOR/MODEL of every folder that may be a clone."""
    for author in _folders(repos):
        for model in _folders(repos / author):
            yield f"{author}/{model}"


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(each.name for each in entries if each.is_dir(follow_symlinks=False) and not is_work(each.name))


def _newer(clone: Path, line: Mapping[str, Any]) -> CloneResult | None:
    """Return the result of a clone that a crawl updated before it was killed without writing the line; else None."""
    if not local.is_sound(clone) or (commit := local.head(clone).commit) == line.get("commit"):
        return None
    is_ours = (local.state(clone) or {}).get("commit") == commit  # otherwise a user has moved HEAD
    return _described(clone) if is_ours else None


def _described(clone: Path) -> CloneResult | None:
    """Return the result of a clone that is complete, None if it is not."""
    state = local.state(clone)
    if not state or not local.is_sound(clone):
        return None
    branch, commit = local.head(clone)
    written = (clone / ".git" / local.STATE).stat().st_mtime
    noted: dict[str, Any] = {
        name: value for name, kind in _OF_STATE.items() if isinstance(value := state.get(name), kind)
    }
    return CloneResult(
        url=origin(clone) or "",
        commit=commit,
        branch=branch,
        status=CloneStatus.PARTIAL if state.get("error") else CloneStatus.CLONED,
        error=state.get("error"),
        started=datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds"),
        **noted,
    )
