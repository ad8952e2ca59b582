"""Rows of some models, made without the database, so that another process can make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Any

import orjson

from ptmtorrent_scrapy.catalog import CollectedHub, Pair
from ptmtorrent_scrapy.catalog.faults import Faults
from ptmtorrent_scrapy.exports.huggingface import FRAMEWORKS, LISTINGS
from ptmtorrent_scrapy.exports.values import items, mapping, name, names, text, whole

Record = dict[str, Any]
Row = tuple[Any, ...]

_BARE = LISTINGS["models"][0]  # the hub whose names are `context_id` as they are, as in PeaTMOSS
_MODELS = 500  # of a batch
_BYTES = 8 << 20  # of the records of a batch
WIDTHS = {  # columns that rows have; those of `model` and `ptm_base_model` are named where they are inserted
    "model": 8,
    "ptm_model": 25,
    "ptm_record": 2,
    "ptm_base_model": 3,
    "ptm_license": 2,
    "ptm_dataset_mention": 2,
}
HAS_CLONE = 7  # place in a row of `model`
URL, REPOSITORY, REPOSITORY_URL, PATH = 4, 20, 21, 22  # places in a row of `ptm_model`


def _one(value: Any) -> list[str]:
    found = name(value)
    return [found] if found else []


_COLUMNS: dict[str, tuple[int, Callable[[str], list[str]]]] = {  # look-up tables of columns of `ptm_model`
    "author": (3, _one),
    "architecture": (7, _one),
    "library": (8, _one),
    "license": (9, lambda listed: names(listed.split(", "))),
}


@dataclass
class Joined:
    """Rows that join models with names of a look-up table, as columns."""

    models: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, model: int, found: list[str]) -> None:
        """Join a model with names, each of which is there once."""
        self.models += repeat(model, len(found))
        self.names += found

    def pairs(self) -> Iterator[tuple[int, str]]:
        """Yield (model, name)."""
        return zip(self.models, self.names, strict=True)


class Batch:
    """Rows of models that follow each other; what needs the database is a name or a URL in them."""

    def __init__(self) -> None:
        self.count = 0
        self.read = 0  # bytes of the records
        self.faults = Faults()  # of all records, in the last batch
        self.hub: Row = ()  # name and URL that its first record has for the hub
        self.numbers: list[int | None] = []  # ids of the records
        self.rows: dict[str, list[Any]] = {table: [] for table in WIDTHS}  # the values, row after row
        self.tags, self.papers, self.datasets = Joined(), Joined(), Joined()
        self.languages = Joined()  # codes
        self.usages = Joined()  # datasets
        self.usage: list[str] = []  # of each of them

    def add(self, model: int, hub: str, number: int, record: Record) -> None:
        """Add a record of a hub as the model with that id; `number` is the id of the hub."""
        if not self.count:
            described = mapping(record.get("ModelHub"))
            self.hub = (name(described.get("ModelHubName")), name(described.get("ModelHubURL")))
        self.count += 1
        self.numbers.append(whole(record.get("id")))
        self.rows["model"] += _model(model, hub, number, record)
        self.rows["ptm_model"] += _own(model, hub, record)
        self.rows["ptm_record"] += (model, orjson.dumps(record).decode())
        self._add_names(model, record)
        self._add_lists(model, record)
        if (datasets := record.get("Datasets")) is not None:
            self._add_datasets(model, datasets)

    def _add_names(self, model: int, record: Record) -> None:
        """Add lists that look-up tables have."""
        self.tags.add(model, names(record.get("ModelTags")))
        if (papers := record.get("ModelPaperDOIs")) is not None:
            self.papers.add(model, names(papers))
        if (languages := record.get("ModelLanguages")) is not None:
            self.languages.add(model, names(languages))

    def _add_lists(self, model: int, record: Record) -> None:
        """Add what has tables of our own."""
        if (bases := record.get("ModelBaseModels")) is not None:
            relation = name(record.get("ModelBaseModelRelation"))
            for base in names(bases):
                self.rows["ptm_base_model"] += (model, base, relation)
        if (spdx := record.get("ModelLicenseSPDX")) is not None:
            for each in names(spdx):
                self.rows["ptm_license"] += (model, each)
        if (mentions := record.get("ModelDatasetMentions")) is not None:
            for each in names(mentions):
                self.rows["ptm_dataset_mention"] += (model, each)

    def _add_datasets(self, model: int, datasets: Any) -> None:
        used: dict[str, list[Any]] = {}
        for dataset in map(mapping, items(datasets)):
            if called := name(dataset.get("DatasetName")):
                used.setdefault(called, []).extend(items(dataset.get("DatasetUsages")))
        self.datasets.add(model, list(used))
        for called, listed in used.items():
            usages = names(listed)
            self.usages.add(model, [called] * len(usages))
            self.usage += usages

    def joined(self) -> dict[str, Joined]:
        """Return the names of the models by look-up table, other than languages."""
        found = {table: self._column(place, parts) for table, (place, parts) in _COLUMNS.items()}
        found |= {"tag": self.tags, "paper": self.papers, "dataset": self.datasets}
        return {**found, "framework": self._frameworks(found["library"])}

    def _column(self, place: int, parts: Callable[[str], list[str]]) -> Joined:
        """Return the names in a column of `ptm_model`."""
        models, values = (self.rows["ptm_model"][each :: WIDTHS["ptm_model"]] for each in (0, place))
        found = {value: parts(value) if value else [] for value in set(values)}
        return Joined(
            [model for model, value in zip(models, values, strict=True) for _ in found[value]],
            [called for value in values for called in found[value]],
        )

    def _frameworks(self, libraries: Joined) -> Joined:
        """Return the frameworks that tags name, and the libraries of models without such a tag."""
        tags = [pair for pair in self.tags.pairs() if pair[1] in FRAMEWORKS]
        tagged = {model for model, _ in tags}
        others = [pair for pair in libraries.pairs() if pair[0] not in tagged]
        found = sorted([*tags, *others], key=itemgetter(0))
        return Joined([model for model, _ in found], [called for _, called in found])


def batches(pair: Pair, hub: CollectedHub, number: int, first: int) -> Iterator[Batch]:
    """Yield the rows of a hub, which has the id `number`; `first` is the id of the first model."""
    batch, read = Batch(), pair.read
    for model, (record, _) in enumerate(pair.records(with_objects=False), first):
        batch.add(model, hub.name, number, record)
        if batch.count >= _MODELS or pair.read - read >= _BYTES:
            batch.read, read = pair.read - read, pair.read
            yield batch
            batch = Batch()
    batch.read, batch.faults = pair.read - read, hub.faults
    yield batch


def _model(model: int, hub: str, number: int, record: Record) -> Row:
    """Return the row of PeaTMOSS's table `model`."""
    called = text(record["ModelName"])
    return (
        model,
        called if hub == _BARE else f"{hub}:{called}",
        number,
        text(record.get("LatestGitCommitSHA")),
        text(record["ModelURL"]),
        whole(record.get("ModelDownloads")),
        whole(record.get("ModelLikes")),
        int(bool(text(record.get("ModelRepositoryPath")))),
    )


def _own(model: int, hub: str, record: Record) -> Row:
    """Return the row of our table `ptm_model`."""
    hub_of, get = mapping(record.get("ModelHub")), record.get
    return (
        model,
        hub,
        text(get("ModelName")),
        text(get("ModelOwner")),
        text(get("ModelURL")),
        text(get("ModelOwnerURL")),
        text(get("ModelTask")),
        text(get("ModelArchitecture")),
        text(get("ModelLibrary")),
        text(get("ModelLicense")),
        text(get("ModelLicenseURL")),
        text(get("ModelBaseModelRelation")),
        whole(get("ModelParameters")),
        whole(get("ModelBytes")),
        whole(get("ModelDownloadsAllTime")),
        text(get("ModelCreated")),
        text(get("ModelModified")),
        _truth(get("ModelGated")),
        _truth(get("ModelDisabled")),
        _truth(get("ModelPrivate")),
        None,
        text(get("ModelRepositoryURL")),
        text(get("ModelRepositoryPath")) or None,
        text(hub_of.get("MetadataFilePath")),
        whole(hub_of.get("MetadataObjectID")),
    )


def _truth(value: Any) -> int | None:
    """Return 1 or 0 of a truth value, and 1 of a word such as `manual`; None of anything else.

    >>> _truth("auto"), _truth(False), _truth(None)
    (1, 0, None)
    """
    return int(value not in (False, "false", "")) if isinstance(value, bool | str) else None
