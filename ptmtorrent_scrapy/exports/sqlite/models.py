"""Inserts the rows of models: those of PeaTMOSS, and ours."""

from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import Any

from ptmtorrent_scrapy.exports.sqlite.batch import HAS_CLONE, PATH, REPOSITORY, REPOSITORY_URL, URL, WIDTHS, Batch
from ptmtorrent_scrapy.exports.sqlite.languages import Languages
from ptmtorrent_scrapy.exports.sqlite.names import Names
from ptmtorrent_scrapy.exports.sqlite.rows import Rows, insert, interleaved

_MODEL = "INSERT OR IGNORE INTO model (id, context_id, model_hub_id, sha, repo_url, downloads, likes, has_snapshot)"
_NAMED = {"ptm_base_model": "ptm_base_model (model_id, base, relation)"}  # the others have all columns
_TABLES = ("architecture", "author", "dataset", "framework", "library", "license", "paper", "tag")

Find = Callable[[str, Any], tuple[int, str | None] | None]  # (hub, URL) -> (id, path of the clone) of a repository


class Models:
    """Inserts models, one batch after the other."""

    def __init__(self, rows: Rows) -> None:
        self._connection = rows.connection
        self._hubs: set[str] = set()
        self._names = {table: Names(rows.connection, table) for table in _TABLES}
        self._languages = Languages(rows.connection)
        self.count = 0

    @property
    def authors(self) -> Names:
        """Return the names of owners, to which authors of commits are added."""
        return self._names["author"]

    @property
    def next_hub(self) -> int:
        """Return the id that the next hub with models gets."""
        return len(self._hubs) + 1

    def add(self, hub: str, batch: Batch, find: Find) -> None:
        """Insert the rows of a batch; `find` gives the repository of a URL, if it has a line."""
        if batch.count and hub not in self._hubs:
            self._add_hub(hub, batch.hub)
        self._add_repositories(hub, batch.rows["model"], batch.rows["ptm_model"], find)
        joins = batch.joined()
        self._add_models(batch)
        for table, values in batch.rows.items():
            insert(self._connection, f"INSERT INTO {_NAMED.get(table, table)}", WIDTHS[table], values)
        for table, joined in joins.items():
            self._insert(f"model_to_{table}", joined.models, self._names[table].ids(joined.names))
        languages = zip(batch.languages.models, self._languages.ids(batch.languages.names), strict=True)
        self._insert("model_to_language", *zip(*dict.fromkeys(languages), strict=True))
        datasets = self._names["dataset"].ids(batch.usages.names)
        self._insert("ptm_dataset_usage", batch.usages.models, datasets, batch.usage)
        self.count += batch.count

    def _insert(self, table: str, *columns: Sequence[Any]) -> None:
        if columns:
            insert(self._connection, f"INSERT INTO {table}", len(columns), interleaved(*columns))

    def _add_repositories(self, hub: str, models: list[Any], own: list[Any], find: Find) -> None:
        """Add what is known of the repositories to the rows of models and to our rows of them."""
        width = WIDTHS["ptm_model"]
        for number, (first, second) in enumerate(zip(own[REPOSITORY_URL::width], own[URL::width], strict=True)):
            if found := find(hub, first or second):
                own[number * width + REPOSITORY] = found[0]
                if own[number * width + PATH] is None:
                    own[number * width + PATH] = found[1]
                    models[number * WIDTHS["model"] + HAS_CLONE] = int(found[1] is not None)

    def _add_models(self, batch: Batch) -> None:
        """Insert the models; of several with the same name, those after the first get their record's id."""
        width, values = WIDTHS["model"], batch.rows.pop("model")
        if insert(self._connection, _MODEL, width, values) == batch.count:
            return
        query = "SELECT 1 FROM model WHERE id = ?"
        for start, number in zip(range(0, len(values), width), batch.numbers, strict=True):
            if not self._connection.execute(query, values[start : start + 1]).fetchone():
                self._insert_again(values[start : start + width], number)

    def _insert_again(self, row: list[Any], number: int | None) -> None:
        """Insert a model with the name of another, under its record's id, or any free number."""
        for suffix in chain((number,), count(row[0])):
            other = [row[0], f"{row[1]}#{suffix}", *row[2:]]
            if insert(self._connection, _MODEL, len(row), other):
                return

    def _add_hub(self, hub: str, described: tuple[str | None, ...]) -> None:
        """Insert a hub with the name and URL that its first record has."""
        number = self.next_hub
        self._hubs.add(hub)
        for called, url in (described, (hub, hub)):
            row = (number, called or hub, url or hub)
            if self._connection.execute("INSERT OR IGNORE INTO model_hub VALUES (?, ?, ?)", row).rowcount:
                break
