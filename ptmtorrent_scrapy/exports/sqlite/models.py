"""Insert the rows of models: those of PeaTMOSS, and ours."""

from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import Any

from ptmtorrent_scrapy.exports.huggingface import LISTINGS
from ptmtorrent_scrapy.exports.sqlite.batch import Batch
from ptmtorrent_scrapy.exports.sqlite.languages import Languages
from ptmtorrent_scrapy.exports.sqlite.names import Names
from ptmtorrent_scrapy.exports.sqlite.rows import Rows, insert, interleaved
from ptmtorrent_scrapy.exports.values import name

_BARE = LISTINGS["models"][0]  # the hub whose names are used as `context_id`, as in PeaTMOSS
_MODEL = "INSERT OR IGNORE INTO model (id, context_id, model_hub_id, sha, repo_url, downloads, likes, has_snapshot)"
_WIDTH = 8  # of these rows
_OWN = (  # the fields of a record in the order of our columns, from `name` to `private`
    *("ModelName", "ModelOwner", "ModelURL", "ModelOwnerURL", "ModelTask", "ModelArchitecture", "ModelLibrary"),
    *("ModelLicense", "ModelLicenseURL", "ModelBaseModelRelation", "ModelParameters", "ModelBytes"),
    *("ModelDownloadsAllTime", "ModelCreated", "ModelModified", "ModelGated", "ModelDisabled", "ModelPrivate"),
)
_TABLES = ("architecture", "author", "dataset", "framework", "library", "license", "paper", "tag")

Find = Callable[[str, Any], tuple[int, str | None] | None]  # (hub, URL) -> (id, path of the clone) of a repository


class Models:
    """Inserts models, one batch after the other."""

    def __init__(self, rows: Rows) -> None:
        self._connection = rows.connection
        self._hubs: dict[str, int] = {}
        self._names = {table: Names(rows.connection, table) for table in _TABLES}
        self._languages = Languages(rows.connection)
        self.count = 0

    @property
    def authors(self) -> Names:
        """Return the names of owners, to which authors of commits are added."""
        return self._names["author"]

    def add(self, hub: str, batch: Batch, find: Find) -> None:
        """Insert the rows of a batch; `find` gives the repository of a URL, if it has a line."""
        if not batch.models:
            return
        if hub not in self._hubs:
            self._add_hub(hub, batch.hub)
        urls = zip(batch.columns["ModelRepositoryURL"], batch.columns["ModelURL"], strict=True)
        repositories = [find(hub, first or second) or (None, None) for first, second in urls]
        given = zip(batch.columns["ModelRepositoryPath"], repositories, strict=True)
        paths = [path or found[1] for path, found in given]
        self._add_models(hub, batch, [int(path is not None) for path in paths])
        self._add_own(hub, batch, [found[0] for found in repositories], paths)
        self._add_lists(batch)
        self._add_names(batch)
        self.count += len(batch.models)

    def _insert(self, table: str, *columns: Sequence[Any]) -> None:
        insert(self._connection, f"INSERT INTO {table}", len(columns), interleaved(*columns))

    def _add_own(self, hub: str, batch: Batch, repositories: list[int | None], paths: list[str | None]) -> None:
        """Insert one row per model into our tables."""
        columns, hubs = batch.columns, [hub] * len(batch.models)
        own = [columns[key] for key in _OWN]
        after = [columns[key] for key in ("MetadataFilePath", "MetadataObjectID")]
        self._insert("ptm_model", batch.models, hubs, *own, repositories, columns["ModelRepositoryURL"], paths, *after)
        self._insert("ptm_record", batch.models, batch.texts)

    def _add_lists(self, batch: Batch) -> None:
        """Insert several rows per model into our tables."""
        bases, relations = batch.lists["ModelBaseModels"], batch.columns["ModelBaseModelRelation"]
        relation = [name(relations[model - batch.first]) for model in bases.models]
        self._insert("ptm_base_model (model_id, base, relation)", bases.models, bases.names, relation)
        for table, key in (("ptm_license", "ModelLicenseSPDX"), ("ptm_dataset_mention", "ModelDatasetMentions")):
            self._insert(table, batch.lists[key].models, batch.lists[key].names)

    def _add_names(self, batch: Batch) -> None:
        """Insert the names of the look-up tables."""
        for table, joined in batch.joined().items():
            self._insert(f"model_to_{table}", joined.models, self._names[table].ids(joined.names))
        codes = batch.lists["ModelLanguages"]
        languages = dict.fromkeys(zip(codes.models, self._languages.ids(codes.names), strict=True))
        insert(self._connection, "INSERT INTO model_to_language", 2, [*chain.from_iterable(languages)])
        datasets = self._names["dataset"].ids(batch.used)
        self._insert("ptm_dataset_usage", batch.usages.models, datasets, batch.usages.names)

    def _add_models(self, hub: str, batch: Batch, has_clone: list[int]) -> None:
        """Insert the models; if several have the same name, those after the first also get their record's id."""
        columns, hubs = batch.columns, [self._hubs[hub]] * len(batch.models)
        called = columns["ModelName"] if hub == _BARE else [f"{hub}:{each}" for each in columns["ModelName"]]
        others = [columns[key] for key in ("LatestGitCommitSHA", "ModelURL", "ModelDownloads", "ModelLikes")]
        values = interleaved(batch.models, called, hubs, *others, has_clone)
        if insert(self._connection, _MODEL, _WIDTH, values) == len(batch.models):
            return
        query = "SELECT 1 FROM model WHERE id = ?"
        for start, number in zip(range(0, len(values), _WIDTH), columns["id"], strict=True):
            if not self._connection.execute(query, values[start : start + 1]).fetchone():
                self._insert_again(values[start : start + _WIDTH], number)

    def _insert_again(self, row: list[Any], number: int | None) -> None:
        """Insert a model whose name is taken, with its record's id or any free number."""
        for suffix in chain((number,), count(row[0])):
            other = [row[0], f"{row[1]}#{suffix}", *row[2:]]
            if insert(self._connection, _MODEL, _WIDTH, other):
                return

    def _add_hub(self, hub: str, described: tuple[str | None, ...]) -> None:
        """Insert a hub with the name and URL in its first record."""
        self._hubs[hub] = len(self._hubs) + 1
        for called, url in (described, (hub, hub)):
            row = (self._hubs[hub], called or hub, url or hub)
            if self._connection.execute("INSERT OR IGNORE INTO model_hub VALUES (?, ?, ?)", row).rowcount:
                break
