"""Find families of models: which models are derived from which, with which licences.

Names and edges are kept in a database on disk; families are found in arrays of numbers.
"""

import sqlite3
import tempfile
from array import array
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ptmtorrent_scrapy.report.values import MAX_LENGTH, SHOWN

NO_LICENSE = "no licence given"
NOT_COLLECTED = "base model not collected"
UNNAMED = "not said"  # the relation to a base model
_MAX_BASES = 20  # base models of one model
_BATCH = 10_000
_TABLES = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT, license TEXT);
CREATE TABLE edge (model INTEGER, rank INTEGER, base TEXT, relation TEXT);
BEGIN;
"""
_BASES = """
CREATE INDEX model_name ON model (name);
CREATE TABLE base AS SELECT DISTINCT base AS name FROM edge;
INSERT INTO model (name, license)
    SELECT name, NULL FROM base WHERE NOT EXISTS (SELECT 1 FROM model WHERE model.name = base.name);
CREATE TABLE link AS SELECT edge.model AS model, min(base.id) AS base, rank, relation
    FROM edge JOIN model AS base ON base.name = edge.base GROUP BY edge.rowid;
"""
_RELATIONS = "SELECT relation, count(DISTINCT model) FROM edge GROUP BY relation ORDER BY 2 DESC, 1"
_LICENSES = """
SELECT coalesce(base.license, ?), model.license, count(*) FROM link
    JOIN model ON model.id = link.model JOIN model AS base ON base.id = link.base
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?
"""
_FIRST = "SELECT model, base FROM link WHERE rank = 0"


@dataclass(frozen=True, kw_only=True)
class Family:
    """A base model and all models derived from it, directly or through others."""

    root: str
    models: int  # without the root
    generations: int
    is_collected: bool  # whether the root itself has a record


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The base models in the records of a hub."""

    with_base: int  # models that name one
    relations: list[tuple[str, int]]
    families: list[Family]
    families_total: int
    licenses: list[tuple[str, str, int]]  # (of the base model, of the model, pairs)


class LineageReader:
    """Collects base models and licences while records are read; a context manager with a scratch folder."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="report-")
        self._database = sqlite3.connect(Path(self._folder.name) / "lineage", isolation_level=None)
        self._database.executescript(_TABLES)
        self._models: list[tuple[str, str]] = []
        self._edges: list[tuple[int, int, str, str]] = []
        self._count = 0
        self._with_base = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, record: dict[str, Any], license_: str | None) -> None:
        """Add a record and its licence."""
        self._count += 1
        self._models.append((str(record.get("ModelName", ""))[:MAX_LENGTH], license_ or NO_LICENSE))
        bases = record.get("ModelBaseModels")
        if isinstance(bases, list) and bases:
            self._with_base += 1
            relation = str(record.get("ModelBaseModelRelation", UNNAMED))[:MAX_LENGTH]
            for rank, base in enumerate(bases[:_MAX_BASES]):
                self._edges.append((self._count, rank, str(base)[:MAX_LENGTH], relation))
        if len(self._models) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO model (name, license) VALUES (?, ?)", self._models)
        self._database.executemany("INSERT INTO edge VALUES (?, ?, ?, ?)", self._edges)
        self._models, self._edges = [], []

    def lineage(self) -> Lineage | None:
        """Return the lineage; None if no model names a base model."""
        self._flush()
        if not self._with_base:
            return None
        self._database.execute("COMMIT")
        self._database.executescript(_BASES)
        found = self._families()
        return Lineage(
            with_base=self._with_base,
            relations=self._database.execute(_RELATIONS).fetchall(),
            families=[self._family(root, *sizes) for root, sizes in _largest(found, SHOWN)],
            families_total=len(found),
            licenses=self._database.execute(_LICENSES, (NOT_COLLECTED, SHOWN)).fetchall(),
        )

    def _families(self) -> dict[int, tuple[int, int]]:
        """Return (models, generations) by the number of the root; a model with several bases is in the first one's."""
        total = self._database.execute("SELECT max(id) FROM model").fetchone()[0]
        parents = array("q", bytes(8 * (total + 1)))
        with closing(self._database.execute(_FIRST)) as edges:
            for model, base in edges:
                parents[model] = base
        return families(parents)

    def _family(self, root: int, models: int, generations: int) -> Family:
        name, license_ = self._database.execute("SELECT name, license FROM model WHERE id = ?", (root,)).fetchone()
        return Family(root=name, models=models, generations=generations, is_collected=license_ is not None)


def families(parents: "array[int]") -> dict[int, tuple[int, int]]:
    """Return {root: (members, generations)}; 0 means no parent; a cycle ends where it was entered.

    >>> families(array("q", [0, 0, 1, 2, 1]))
    {1: (3, 2)}
    """
    depths = array("q", bytes(8 * len(parents)))  # 0: not known yet; else generation + 1
    roots = array("q", bytes(8 * len(parents)))
    for start in range(1, len(parents)):
        path, at = [], start
        while not depths[at] and parents[at] and parents[at] != at:
            depths[at] = -1  # on the path
            path.append(at)
            at = parents[at]
        if depths[at] <= 0:  # no parent, or a cycle
            depths[at], roots[at] = 1, at
        for model in reversed(path):
            if model != at:
                depths[model], roots[model] = depths[parents[model]] + 1, roots[parents[model]]
    return _sums(depths, roots)


def _sums(depths: "array[int]", roots: "array[int]") -> dict[int, tuple[int, int]]:
    members: Counter[int] = Counter()
    generations: dict[int, int] = {}
    for model in range(1, len(depths)):
        if depths[model] > 1:
            root = roots[model]
            members[root] += 1
            generations[root] = max(generations.get(root, 0), depths[model] - 1)
    return {root: (count, generations[root]) for root, count in members.items()}


def _largest(found: dict[int, tuple[int, int]], shown: int) -> list[tuple[int, tuple[int, int]]]:
    return sorted(found.items(), key=lambda item: (-item[1][0], item[0]))[:shown]
