"""The SQLite export has PeaTMOSS's tables, and all data of the tree."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.exports.export import Export
from ptmtorrent_scrapy.exports.sqlite.reuse import GITHUB
from ptmtorrent_scrapy.exports.sqlite.views import VIEWS
from tests.conftest import ROOT
from tests.trees import BERT, PLAIN, SHARED, TUNED, listed, record, write_example, write_hub
from tests.unit.conftest import open_database

# Digest of (table, columns with types, keys) of all tables of PeaTMOSS.sql, PurdueDualityLab/PeaTMOSS-Demos at 5f37244.
_SHAPE = "432141f8d0e51b1b3c3739d4269121381bbe8817679243e4ecb179d047ede05a"


@pytest.fixture
def database(exported: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(exported / "ptmtorrent.sqlite")) as connection:
        yield connection


def export(root: Path) -> sqlite3.Connection:
    """Export a tree; return the database."""
    Export(Catalog(root).hubs(), root / "exports").run(["sqlite"])
    return open_database(root / "exports" / "ptmtorrent.sqlite")


def shape(connection: sqlite3.Connection) -> str:
    """Return a digest of PeaTMOSS's tables: their columns, types, keys and references."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    names = [row[0] for row in connection.execute(query)]
    tables = {
        name: (
            connection.execute(f"PRAGMA table_info({name})").fetchall(),
            sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")),
        )
        for name in names
        if name in _PEATMOSS or not name.startswith(("ptm_", "sqlite_"))
    }
    return hashlib.sha256(json.dumps([len(tables), tables]).encode()).hexdigest()


_PEATMOSS = ("ptm_issues", "ptm_pull_requests", "ptm_issue_to_issue", "ptm_pull_request_to_pull_request")


def test_tables_are_those_of_peatmoss(database: sqlite3.Connection) -> None:
    assert shape(database) == _SHAPE


def test_foreign_keys_hold(database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_models_are_named_once(database: sqlite3.Connection) -> None:
    rows = database.execute("SELECT context_id, downloads, likes, has_snapshot FROM model ORDER BY id").fetchall()
    assert rows == [
        (PLAIN, 900, 3, 0),
        (TUNED, 50, None, 0),
        (BERT, 700, None, 1),
        ("onnxmodelzoo:ResNet", None, None, 0),
        ("onnxmodelzoo:ResNet#1", None, None, 0),
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("framework", [(PLAIN, "transformers"), (TUNED, "jax"), (TUNED, "pytorch")]),
        ("library", [(PLAIN, "transformers")]),
        ("license", [(TUNED, "mit"), (BERT, "apache-2.0")]),
        ("architecture", [(BERT, "bert")]),
        ("paper", [(BERT, "10.48550/arXiv.1810.04805")]),
        ("dataset", [(TUNED, "squad")]),
        ("language", [(TUNED, "English"), (TUNED, "German")]),
        ("tag", [(TUNED, "jax"), (TUNED, "license:mit"), (TUNED, "pytorch")]),
    ],
)
def test_models_are_joined_to_names(database: sqlite3.Connection, table: str, expected: list[Any]) -> None:
    query = (
        f"SELECT m.context_id, n.name FROM model m JOIN model_to_{table} j ON j.model_id = m.id"
        f" JOIN {table} n ON n.id = j.{table}_id ORDER BY m.id, n.name"
    )
    assert database.execute(query).fetchall() == expected


def test_spaces_reuse_models(database: sqlite3.Connection) -> None:
    query = (
        "SELECT m.context_id, r.owner, r.name, r.url FROM model_to_reuse_repository j JOIN model m ON m.id = j.model_id"
        " JOIN reuse_repository r ON r.id = j.reuse_repository_id ORDER BY 1, 3"
    )
    url = "https://huggingface.example/spaces/me"
    assert database.execute(query).fetchall() == [
        (PLAIN, "me", "demo", f"{url}/demo"),
        (BERT, "me", "demo", f"{url}/demo"),
        (BERT, "me", "other", f"{url}/other"),
    ]


def test_repositories_on_github_are_in_the_table_of_peatmoss(database: sqlite3.Connection, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        database.backup(copy)
        for number, url in enumerate(
            ("https://github.com/o/b", "https://github.com/o/a", "https://gitlab.com/o/c"), 900
        ):
            copy.execute("INSERT INTO ptm_repository (id, hub, url) VALUES (?, 'modelhub', ?)", (number, url))
        for insert in GITHUB:
            copy.execute(insert)
        found = copy.execute("SELECT name, url FROM github_repository").fetchall()
        assert found == [(f"o/{name}", f"https://github.com/o/{name}") for name in ("a", "b")]
        assert copy.execute("SELECT login FROM github_user").fetchall() == [("o",)]


def test_own_tables_have_what_peatmoss_lacks(database: sqlite3.Connection) -> None:
    def rows(query: str) -> list[Any]:
        return database.execute(query).fetchall()

    assert rows("SELECT base, base_model_id, relation FROM ptm_base_model") == [
        (BERT, 3, "finetune"),
        ("org/unknown", None, "finetune"),
    ]
    assert rows("SELECT model_id, usage FROM ptm_dataset_usage ORDER BY usage") == [(2, "eval"), (2, "train")]
    assert rows("SELECT model_id, spdx FROM ptm_license ORDER BY model_id") == [(2, "MIT"), (3, "Apache-2.0")]
    assert rows("SELECT url, status, seconds FROM ptm_repository") == [
        ("https://huggingface.example/org/bert", "cloned", 1.5),
        ("https://huggingface.example/lab/bert-tuned", "gated", None),
    ]
    assert rows("SELECT path, size, sha256, state FROM ptm_file WHERE repository_id = 1") == [
        ("model.bin", 5, SHARED, "stored"),
        ("README.md", 9, None, None),
    ]
    assert rows("SELECT hub, name, reason FROM ptm_rejected") == [("huggingface", "org/none", "no commit")]
    assert rows("SELECT hub, version, is_source FROM ptm_crawl WHERE hub = 'huggingface'") == [
        ("huggingface", "0.1.0", 1)
    ]
    assert rows("SELECT name, gated, repository_id, bytes FROM ptm_model WHERE hub = 'huggingface'") == [
        (PLAIN, None, None, None),
        (TUNED, 1, 2, None),
        (BERT, None, 1, 440_000_000),
    ]
    (text,) = rows("SELECT json FROM ptm_record WHERE model_id = 2")[0]
    assert json.loads(text)["ModelName"] == TUNED
    about = dict(rows("SELECT * FROM ptm_about"))
    assert about["source of huggingface"] == "crawl of 2026-01-01T00:00:00.000+00:00, version 0.1.0, finished"


def test_views_answer_their_questions(database: sqlite3.Connection) -> None:
    def first(view: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = database.execute(f"SELECT * FROM {view}").fetchone()
        return row

    assert first("ptm_most_downloaded_by_task") == ("fill-mask", 1, BERT, "huggingface", 700, None)
    assert first("ptm_license_flow") == ("apache-2.0", "finetune", "mit", 1)
    assert first("ptm_shared_weights")[:3] == (SHARED, 5, 2)
    assert first("ptm_models_without_license")[0] == PLAIN
    assert first("ptm_most_used_base_models") == (BERT, "finetune", 1, 3)
    assert first("ptm_most_used_datasets") == ("squad", "eval", 1)
    assert first("ptm_owners")[:3] == ("onnxmodelzoo", "ResNet", 2)
    assert first("ptm_models_by_month") == ("2022-03", "huggingface", 1)
    assert first("ptm_repositories_by_status")[:3] == ("huggingface", "cloned", 1)
    assert first("ptm_reuse") == (BERT, "huggingface", 700, 2)
    assert len(VIEWS) == 10


def test_the_documentation_has_every_view() -> None:
    page = (ROOT / "docs" / "export.md").read_text()
    for name, view in VIEWS.items():
        assert f"| `{name}` | {view.question} |" in page


def test_metadata_for_datasette_names_what_there_is(exported: Path, database: sqlite3.Connection) -> None:
    (described,) = json.loads((exported / "metadata.json").read_text())["databases"].values()
    there = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    assert set(described["tables"]) <= there
    for query in described["queries"].values():
        database.execute(query["sql"], {"hash": SHARED}).fetchall()
    found = database.execute(described["queries"]["models_with_a_file"]["sql"], {"hash": SHARED}).fetchall()
    assert [row[1] for row in found] == [BERT, TUNED]


def test_hostile_values_cost_their_field(tmp_path: Path) -> None:
    hostile = record(
        0,
        "org/a\0b",
        ModelTask=["no", "text"],
        ModelDownloads=2**62,
        ModelLikes=2**63,
        ModelTags=["fine", "x" * 1_000_000, "nul\0", 5, None, ["deep"], "nul\ufffd"],
        ModelLicense={"not": "text"},
        ModelLanguages=["*", "en", "e" * 300, "\u202e"],
        ModelParameters="many",
        Datasets=["text", {"DatasetName": 5}, {"DatasetName": "d", "DatasetUsages": "train"}],
        ModelBaseModels="org/b",
    )
    texts = [
        json.dumps(hostile),
        json.dumps(record(1, "org/also", ModelDownloads=2**62)),
        '{"ModelName": "org/half\\ud800", "ModelURL": "u", "ModelOwner": "o", "ModelLikes": 1e400}',
    ]
    write_hub(tmp_path, records=texts, objects={"hf_metadata.json": [listed(0)]})
    with closing(export(tmp_path)) as database:
        assert database.execute("SELECT context_id, downloads, likes FROM model").fetchall() == [
            ("org/a\ufffdb", 2**62, None),
            ("org/also", 2**62, None),
            ("org/half\ufffd", None, None),
        ]
        assert database.execute("SELECT name FROM tag").fetchall() == [("fine",), ("nul\ufffd",)]
        assert database.execute("SELECT task, license, parameters FROM ptm_model").fetchall() == [(None,) * 3] * 3
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        for view in VIEWS:
            database.execute(f"SELECT * FROM {view}").fetchall()
        assert ("English",) in database.execute("SELECT name FROM language").fetchall()
        stored = [json.loads(row[0]) for row in database.execute("SELECT json FROM ptm_record")]
        assert len(stored[0]["ModelTags"][1]) == 1_000_000


def test_more_names_than_are_remembered_have_one_id_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ptmtorrent_scrapy.exports.sqlite.names._REMEMBERED", 10)
    monkeypatch.setattr("ptmtorrent_scrapy.exports.sqlite.batch._MODELS", 7)
    records = [record(n, f"org/m{n}", ModelTags=[f"tag-{n % 30}", "always"]) for n in range(90)]
    write_hub(tmp_path, records=records)
    with closing(export(tmp_path)) as database:
        counts = database.execute("SELECT count(*) FROM model_to_tag j JOIN tag t ON t.id = j.tag_id GROUP BY t.name")
        assert sorted(row[0] for row in counts) == [3] * 30 + [90]


def test_a_large_hub_that_another_process_reads_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_example(tmp_path)
    texts = [json.dumps(record(n, f"org/m{n % 5}", hub="modelhub", ModelTags=["a", f"t{n % 3}"])) for n in range(9)]
    write_hub(tmp_path, "modelhub", records=[*texts, "broken"], objects={})
    dumps, warnings = list[list[str]](), list[str]()
    for large in (1 << 30, 0):
        monkeypatch.setattr("ptmtorrent_scrapy.exports.child_process._LARGE", large)
        monkeypatch.setattr("ptmtorrent_scrapy.exports.sqlite.batch._MODELS", 4)
        Export(Catalog(tmp_path).hubs(), tmp_path / "exports", warn=warnings.append).run(["sqlite"])
        with closing(open_database(tmp_path / "exports" / "ptmtorrent.sqlite")) as database:
            dumps.append([line for line in database.iterdump() if "'exported'" not in line])
    assert dumps[0] == dumps[1]
    assert [line for line in dumps[0] if "modelhub:org/m3#8" in line]
    assert [warning for warning in warnings if "cannot be read" in warning] == 2 * [
        "modelhub: cannot be read and is not exported: json/modelhub.json: element 9 is not JSON"
    ]


def test_an_export_is_the_same_again(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(n, f"org/m{n}", ModelTags=["a", f"t{n}"]) for n in range(20)])

    def dump() -> list[str]:
        with closing(export(tmp_path)) as database:
            return [line for line in database.iterdump() if "'exported'" not in line]

    first = dump()
    assert dump() == first
    write_hub(
        tmp_path, records=[record(n, f"org/m{n}", ModelTags=["a", f"t{n}"], ModelLikes=n // 19) for n in range(20)]
    )
    changed = [line for line in dump() if line not in first]
    assert all("org/m" in line for line in changed)
    assert sum('INSERT INTO "model" VALUES' in line for line in changed) == 20
