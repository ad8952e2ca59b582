"""Make columns of some models without the database, so that another process can do it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import orjson

from ptmtorrent_scrapy.catalog import CollectedHub, Pair
from ptmtorrent_scrapy.catalog.faults import Faults
from ptmtorrent_scrapy.exports.huggingface import FRAMEWORKS
from ptmtorrent_scrapy.exports.values import items, mapping, name, names, text, whole

Record = dict[str, Any]

_MODELS = 500  # of a batch
_BYTES = 2 << 20  # of the records of a batch
_TEXT = frozenset({str, type(None)})
_LIST = frozenset({list, type(None)})
_NUL = "\\u0000"  # in JSON


def _truth(value: Any) -> int | None:
    """Return 1 or 0 for a truth value, and 1 for a word such as `manual`; None for anything else.

    >>> _truth("auto"), _truth(False), _truth(None)
    (1, 0, None)
    """
    return int(value not in (False, "false", "")) if isinstance(value, bool | str) else None


def _one(value: str) -> list[str]:
    return names([value])


_TEXTS = ("Name", "Owner", "URL", "OwnerURL", "Task", "Architecture", "Library", "License", "LicenseURL")
_MORE_TEXTS = ("BaseModelRelation", "Created", "Modified", "RepositoryURL", "RepositoryPath")
_NUMBERS = ("Parameters", "Bytes", "DownloadsAllTime", "Downloads", "Likes")
_COLUMNS: dict[str, Callable[[Any], Any]] = {
    **{f"Model{each}": text for each in (*_TEXTS, *_MORE_TEXTS)},
    "LatestGitCommitSHA": text,
    **{f"Model{each}": whole for each in _NUMBERS},
    "id": whole,
    **{f"Model{each}": _truth for each in ("Gated", "Disabled", "Private")},
}
_LISTS = (
    "ModelTags",
    "ModelPaperDOIs",
    "ModelLanguages",
    "ModelBaseModels",
    "ModelLicenseSPDX",
    "ModelDatasetMentions",
)
_NAMED: dict[str, tuple[str, Callable[[str], list[str]]]] = {  # look-up tables of columns
    "author": ("ModelOwner", _one),
    "architecture": ("ModelArchitecture", _one),
    "library": ("ModelLibrary", _one),
    "license": ("ModelLicense", lambda listed: names(listed.split(", "))),
}


@dataclass
class Joined:
    """Rows that join models with names, as columns."""

    models: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, model: int, found: Sequence[str]) -> None:
        """Add the names of a model."""
        self.models += repeat(model, len(found))
        self.names += found

    def pairs(self) -> Iterator[tuple[int, str]]:
        """Yield (model, name)."""
        return zip(self.models, self.names, strict=True)


@dataclass
class Batch:
    """Columns of consecutive models; names and URLs stand for what needs the database."""

    first: int  # id of the first model
    hub: tuple[str | None, ...] = ()  # name and URL of the hub in its first record
    texts: list[str] = field(default_factory=list)  # the records as JSON
    columns: dict[str, list[Any]] = field(default_factory=dict)  # by field of the record
    lists: dict[str, Joined] = field(default_factory=dict)  # likewise
    datasets: Joined = field(default_factory=Joined)
    usages: Joined = field(default_factory=Joined)  # their usages, such as train
    used: list[str] = field(default_factory=list)  # the dataset of each usage
    read: int = 0  # bytes of the records
    faults: Faults = field(default_factory=Faults)  # of all records; only in the last batch

    @property
    def models(self) -> range:
        """Return the ids of the models."""
        return range(self.first, self.first + len(self.texts))

    def fill(self, records: list[Record]) -> None:
        """Fill the columns; a value of a wrong type is None."""
        self.texts = [orjson.dumps(record).decode() for record in records]
        has_nul = any(_NUL in each for each in self.texts)
        for key, clean in _COLUMNS.items():
            values = [record.get(key) for record in records]
            is_clean = clean is text and not has_nul and _TEXT.issuperset(map(type, values))
            self.columns[key] = values if is_clean else [*map(clean, values)]
        for key in _LISTS:
            self.lists[key] = _joined(self.models, [record.get(key) for record in records])
        self._fill_hub([mapping(record.get("ModelHub")) for record in records])
        self._fill_datasets([record.get("Datasets") for record in records])

    def _fill_hub(self, hubs: list[dict[str, Any]]) -> None:
        self.columns["MetadataFilePath"] = [text(hub.get("MetadataFilePath")) for hub in hubs]
        self.columns["MetadataObjectID"] = [whole(hub.get("MetadataObjectID")) for hub in hubs]
        self.hub = tuple(name(hub.get(key)) for hub in hubs[:1] for key in ("ModelHubName", "ModelHubURL"))

    def _fill_datasets(self, listed: list[Any]) -> None:
        """Fill in the distinct datasets of each model, and their usages."""
        uses = list[list[Any]]()
        for model, datasets in zip(self.models, listed, strict=True):
            if datasets is not None:
                used = _used(datasets)
                self.datasets.add(model, [*used])
                uses += used.values()
        joined = _joined(range(len(uses)), uses)
        self.usages = Joined([self.datasets.models[number] for number in joined.models], joined.names)
        self.used = [self.datasets.names[number] for number in joined.models]

    def joined(self) -> dict[str, Joined]:
        """Return the names of the models by look-up table, other than languages."""
        found = {table: self._named(key, parts) for table, (key, parts) in _NAMED.items()}
        found |= {"tag": self.lists["ModelTags"], "paper": self.lists["ModelPaperDOIs"], "dataset": self.datasets}
        return {**found, "framework": self._frameworks(found["library"])}

    def _named(self, key: str, parts: Callable[[str], list[str]]) -> Joined:
        """Return the names in a column."""
        values = self.columns[key]
        found = {value: parts(value) if value else [] for value in set(values)}
        models = [model for model, value in zip(self.models, values, strict=True) for _ in found[value]]
        return Joined(models, [called for value in values for called in found[value]])

    def _frameworks(self, libraries: Joined) -> Joined:
        """Return the frameworks in the tags, and the library of a model without such a tag."""
        tags = [(model, tag) for model, tag in self.lists["ModelTags"].pairs() if tag in FRAMEWORKS]
        tagged = {model for model, _ in tags}
        others = [pair for pair in libraries.pairs() if pair[0] not in tagged]
        found = sorted([*tags, *others], key=itemgetter(0))
        return Joined([model for model, _ in found], [called for _, called in found])


def batches(pair: Pair, hub: CollectedHub, first: int) -> Iterator[Batch]:
    """Yield the models of a hub; `first` is the id of the first."""
    batch, records, read = Batch(first), list[Record](), pair.read
    for record, _ in pair.records(with_objects=False):
        records.append(record)
        if len(records) >= _MODELS or pair.read - read >= _BYTES:
            batch.fill(records)
            batch.read, read = pair.read - read, pair.read
            yield batch
            batch, records = Batch(batch.models.stop), []
    batch.fill(records)
    batch.read, batch.faults = pair.read - read, hub.faults
    yield batch


def _used(datasets: Any) -> dict[str, list[Any]]:
    """Return the usages of each dataset of a record."""
    found: dict[str, list[Any]] = {}
    for dataset in items(datasets):
        if called := name(mapping(dataset).get("DatasetName")):
            found.setdefault(called, []).extend(items(dataset.get("DatasetUsages")))
    return found


def _joined(models: range, lists: list[Any]) -> Joined:
    """Return the names in lists, one list or None per model; single names are checked only if some are wrong."""
    if not _are_plain(lists):
        lists = [*map(names, lists)]
    counts = (len(each) if each else 0 for each in lists)
    return Joined([*chain.from_iterable(map(repeat, models, counts))], [*chain.from_iterable(filter(None, lists))])


def _are_plain(lists: list[Any]) -> bool:
    """Return whether all are lists of distinct names."""
    if not _LIST.issuperset(map(type, lists)):
        return False
    there = [*filter(None, lists)]
    try:
        sets = [*map(set, there)]
    except TypeError:  # of a list in a list
        return False
    return [*map(len, sets)] == [*map(len, there)] and all(name(each) == each for each in set().union(*sets))
