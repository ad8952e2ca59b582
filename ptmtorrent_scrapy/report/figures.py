"""All figures of a data tree: `report.json`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.catalog import Catalog, CollectedHub, Pair
from ptmtorrent_scrapy.formats.counted import repositories as counted
from ptmtorrent_scrapy.report.changes import Changes, last_changes
from ptmtorrent_scrapy.report.crawls import CrawlFigures, History, history
from ptmtorrent_scrapy.report.records import RecordFigures, record_figures
from ptmtorrent_scrapy.report.rejections import Rejections, rejections
from ptmtorrent_scrapy.report.repositories import RepositoryFigures, repository_figures
from ptmtorrent_scrapy.storage.jsonl import json_lines

Advance = Callable[[str, int, int | None], object]  # (what, done, total if known)
_WITHOUT_RECORDS = {  # hubs without records, which would name them: their titles, and what they list
    "huggingface_datasets": ("Hugging Face datasets", "datasets"),
    "huggingface_spaces": ("Hugging Face spaces", "spaces"),
}


@dataclass(frozen=True, kw_only=True)
class HubFigures:
    """The figures of one hub."""

    name: str  # the folder's
    title: str  # as the hub calls itself
    url: str | None
    listed: str  # what the hub lists: `models`, `datasets` or `spaces`
    models: int | None  # number of models, datasets or spaces in the last complete listing
    is_complete: bool
    verdict: str  # why it is complete or not, in a sentence
    crawl: CrawlFigures | None  # the last one
    records: RecordFigures
    rejections: Rejections
    repositories: RepositoryFigures
    history: History
    changes: Changes | None  # since the newest snapshot
    missing: list[str]  # files that the hub lacks
    faults: list[str]  # what could not be read


@dataclass(frozen=True, kw_only=True)
class TreeFigures:
    """The figures of a data tree."""

    version: str
    generated: str  # RFC 3339, UTC
    tree: str  # the folder's name
    hubs: list[HubFigures]


def tree_figures(root: Path, names: Iterable[str] = (), advance: Advance = lambda *_: None) -> TreeFigures:
    """Return the figures of the hubs that are named, else of all. Raise `CatalogError`, `OSError`."""
    return TreeFigures(
        version=__version__,
        generated=datetime.now(UTC).isoformat(timespec="seconds"),
        tree=root.resolve().name,
        hubs=[hub_figures(hub, advance) for hub in Catalog(root).hubs(list(names))],
    )


def hub_figures(hub: CollectedHub, advance: Advance = lambda *_: None) -> HubFigures:
    """Return the figures of one hub. Raise `OSError`."""
    crawls = history(hub.crawls())
    hub_of, found, rejected = _read_records(hub, crawls.last, advance)
    repositories = repository_figures(hub.repositories(), hub.tree.store)
    is_complete, verdict = _verdict(crawls, repositories, _started(hub))
    title, listed = _WITHOUT_RECORDS.get(hub.name, (hub.name.replace("_", " "), "models"))
    return HubFigures(
        name=hub.name,
        title=str(hub_of.get("ModelHubName") or title)[:100],
        url=str(hub_of["ModelHubURL"])[:300] if hub_of.get("ModelHubURL") else None,
        listed=listed,
        models=_models(crawls, found, rejected),
        is_complete=is_complete,
        verdict=verdict,
        crawl=crawls.last,
        records=found,
        rejections=rejected,
        repositories=repositories,
        history=crawls,
        changes=last_changes(hub.tree, found.records),
        missing=hub.missing(),
        faults=list(hub.faults.lines()),
    )


def _read_records(
    hub: CollectedHub, last: CrawlFigures | None, advance: Advance
) -> tuple[dict[str, Any], RecordFigures, Rejections]:
    """Return the hub as its records name it, and the figures of its records and rejections."""
    hub_of: dict[str, Any] = {}
    expected = last.records if last else None
    with hub.open() as pair:
        records = _records(pair, hub_of)
        found = record_figures(records, lambda done: advance(f"{hub.name}: records", done, expected))
        return hub_of, found, rejections(pair.rejected())


def _records(pair: Pair, hub_of: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records; the first one with a hub fills `hub_of`."""
    for record, _ in pair.records(with_objects=False):
        if not hub_of:
            hub_of.update(record.get("ModelHub") or {})
        yield record


def _models(crawls: History, found: RecordFigures, rejected: Rejections) -> int | None:
    """Return how many models the hub had: with a record or rejected, else as the last crawl that finished counted."""
    if found.records or rejected.total:
        return found.records + rejected.total
    finished = [crawl.models for crawl in crawls.crawls if crawl.reason == "finished"]
    return finished[-1] if finished else None


def _started(hub: CollectedHub) -> str | None:
    """Return the start of a crawl that has not ended; None if all have."""
    return next((line["started"][:40] for line in json_lines(hub.tree.begun, {"started": str})), None)


def _verdict(crawls: History, repositories: RepositoryFigures, started: str | None) -> tuple[bool, str]:
    """Return whether the collection is complete, and why; `started` is the start of a crawl that has not ended."""
    last = crawls.last
    if started and not (last and last.started == started):
        return False, f"a crawl that started at {started[:16]} is running or was killed; the next one continues"
    if last is None:
        return False, "no crawl has ended here"
    if last.reason != "finished":
        finished = [crawl for crawl in crawls.crawls if crawl.reason == "finished"]
        data = f"data is of the crawl of {finished[-1].started[:10]}" if finished else "no crawl has finished yet"
        return False, f"the last crawl ended early ({last.reason}); {data}"
    if repositories.incomplete:
        are = "is" if repositories.incomplete == 1 else "are"
        of_all = f"{repositories.incomplete:,} of {counted(repositories.total)}"
        return False, f"{of_all} {are} not complete; crawl again"
    return True, "the listing is complete, and every selected repository was cloned or is not available"
