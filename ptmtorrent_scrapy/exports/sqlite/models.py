"""Rows of a model: those of PeaTMOSS, and ours."""

from itertools import chain, count, repeat
from typing import Any

import orjson

from ptmtorrent_scrapy.exports.huggingface import FRAMEWORKS, LISTINGS
from ptmtorrent_scrapy.exports.sqlite.languages import Languages
from ptmtorrent_scrapy.exports.sqlite.rows import Names, Row, Rows, insert
from ptmtorrent_scrapy.exports.values import items, mapping, name, names, text, whole

Record = dict[str, Any]
_BARE = LISTINGS["models"][0]  # the hub whose names are `context_id` as they are, as in PeaTMOSS
_TOGETHER = 1000  # models that are inserted at once
_BYTES = 8 << 20  # of records that are inserted at once
_INSERT = "INSERT OR IGNORE INTO model"


class Models:
    """Writes the rows of models, one record after the other."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._connection = rows.connection
        self._hubs: dict[str, int] = {}
        tables = ("architecture", "author", "dataset", "framework", "library", "license", "paper", "tag")
        self.names = {table: Names(rows, table) for table in tables}
        self._languages = Languages(rows.connection)
        self._waiting: list[Row] = []  # rows of `model`
        self._numbers: list[int | None] = []  # ids of their records
        self._bytes = 0  # of records that wait
        self.count = 0

    def add(self, hub: str, record: Record, repository: tuple[int, str | None] | None) -> None:
        """Add the rows of a record; `repository` is (id, path of its clone) where its repository has a line."""
        self.count += 1
        path = text(record.get("ModelRepositoryPath")) or (repository[1] if repository else None)
        self._add_model(hub, record, has_clone=path is not None)
        self._add_own(hub, record, repository[0] if repository else None, path)
        self._add_names(record)
        if (languages := record.get("ModelLanguages")) is not None:
            self._join("language", self._languages.ids(names(languages)))
        if (bases := record.get("ModelBaseModels")) is not None:
            relation = name(record.get("ModelBaseModelRelation"))
            self._rows.extend("ptm_base_model", [(self.count, base, None, relation) for base in names(bases)])
        if (spdx := record.get("ModelLicenseSPDX")) is not None:
            self._rows.extend("ptm_license", [(self.count, each) for each in names(spdx)])
        if (mentions := record.get("ModelDatasetMentions")) is not None:
            self._rows.extend("ptm_dataset_mention", [(self.count, each) for each in names(mentions)])
        if (datasets := record.get("Datasets")) is not None:
            self._add_datasets(datasets)
        self._add_text(orjson.dumps(record).decode())

    def _add_text(self, text: str) -> None:
        """Add the record itself; large records do not wait for thousands of others."""
        self._rows.add("ptm_record", self.count, text)
        self._bytes += len(text)
        if self._bytes >= _BYTES:
            self._rows.flush()
            self._bytes = 0

    def _add_model(self, hub: str, record: Record, *, has_clone: bool) -> None:
        called = text(record["ModelName"])
        row = (
            self.count,
            called if hub == _BARE else f"{hub}:{called}",
            self._hubs.get(hub) or self._hub(hub, record),
            text(record.get("LatestGitCommitSHA")),
            text(record["ModelURL"]),
            whole(record.get("ModelDownloads")),
            whole(record.get("ModelLikes")),
            int(has_clone),
            None,
            None,
        )
        self._waiting.append(row)
        self._numbers.append(whole(record.get("id")))
        if len(self._waiting) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Insert the models that wait; of several with the same name, those after the first get their record's id."""
        if self._waiting and insert(self._connection, _INSERT, self._waiting) != len(self._waiting):
            query = "SELECT 1 FROM model WHERE id = ?"
            for row, number in zip(self._waiting, self._numbers, strict=True):
                if not self._connection.execute(query, row[:1]).fetchone():
                    self._insert_again(row, number)
        self._waiting.clear()
        self._numbers.clear()

    def _insert_again(self, row: Row, number: int | None) -> None:
        """Insert a model with the name of another, under its record's id, or any free number."""
        for suffix in chain((number,), count(row[0])):
            other = (row[0], f"{row[1]}#{suffix}", *row[2:])
            if insert(self._connection, _INSERT, [other]):
                return

    def _hub(self, hub: str, record: Record) -> int:
        """Return the id of the hub, which is inserted with the name and URL that its first record has."""
        hub_of = mapping(record.get("ModelHub"))
        self._hubs[hub] = len(self._hubs) + 1
        for called, url in ((name(hub_of.get("ModelHubName")), name(hub_of.get("ModelHubURL"))), (hub, hub)):
            row = (self._hubs[hub], called or hub, url or hub)
            if self._connection.execute("INSERT OR IGNORE INTO model_hub VALUES (?, ?, ?)", row).rowcount:
                break
        return self._hubs[hub]

    def _join(self, table: str, ids: list[int]) -> None:
        self._rows.extend(f"model_to_{table}", zip(repeat(self.count), ids))

    def _add_names(self, record: Record) -> None:
        """Add what look-up tables have."""
        known, tags, library = self.names, record.get("ModelTags"), record.get("ModelLibrary")
        frameworks: list[Any] = [tag for tag in items(tags) if isinstance(tag, str) and tag in FRAMEWORKS] or [library]
        self._join("author", known["author"].ids([record["ModelOwner"]]))
        self._join("framework", known["framework"].ids(frameworks))
        if tags is not None:
            self._join("tag", known["tag"].ids(tags))
        if library is not None:
            self._join("library", known["library"].ids([library]))
        if (architecture := record.get("ModelArchitecture")) is not None:
            self._join("architecture", known["architecture"].ids([architecture]))
        if (license_text := text(record.get("ModelLicense"))) is not None:
            self._join("license", known["license"].ids(license_text.split(", ")))
        if (papers := record.get("ModelPaperDOIs")) is not None:
            self._join("paper", known["paper"].ids(papers))

    def _add_datasets(self, datasets: Any) -> None:
        used: dict[int, list[str]] = {}
        for dataset in map(mapping, items(datasets)):
            if found := self.names["dataset"].id(dataset.get("DatasetName")):
                used.setdefault(found, []).extend(items(dataset.get("DatasetUsages")))
        self._join("dataset", list(used))
        usages = [(self.count, found, usage) for found, listed in used.items() for usage in names(listed)]
        self._rows.extend("ptm_dataset_usage", usages)

    def _add_own(self, hub: str, record: Record, repository: int | None, path: str | None) -> None:
        hub_of, get = mapping(record.get("ModelHub")), record.get
        row = (
            self.count,
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
            repository,
            text(get("ModelRepositoryURL")),
            path,
            text(hub_of.get("MetadataFilePath")),
            whole(hub_of.get("MetadataObjectID")),
        )
        self._rows.extend("ptm_model", (row,))


def _truth(value: Any) -> int | None:
    """Return 1 or 0 of a truth value, and 1 of a word such as `manual`; None of anything else.

    >>> _truth("auto"), _truth(False), _truth(None)
    (1, 0, None)
    """
    return int(value not in (False, "false", "")) if isinstance(value, bool | str) else None
