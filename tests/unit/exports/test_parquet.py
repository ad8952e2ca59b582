"""The Parquet export is read by other tools, and queries written for hub-stats work on it."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.exports.export import Export
from tests.trees import BERT, PLAIN, SHARED, TUNED, listed, record, write_hub, write_models

ORDER = ("records", "base_models", "repositories", "files")  # then the listings


def rows(query: str) -> list[Any]:
    """Return the answer of DuckDB."""
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def test_every_file_is_read_by_duckdb(exported: Path) -> None:
    counts = {
        "records.parquet": 5,
        "base_models.parquet": 2,
        "repositories.parquet": 2,
        "files.parquet": 3,
        "huggingface/models.parquet": 3,
        "huggingface/spaces.parquet": 3,
    }
    assert {str(path.relative_to(exported)) for path in exported.rglob("*.parquet")} == set(counts)
    for name, count in counts.items():
        assert rows(f"SELECT count(*) FROM '{exported / name}'") == [(count,)]


def test_records_keep_their_structure(exported: Path) -> None:
    columns = "hub, ModelName, Datasets[1].DatasetUsages, ModelTags, ModelHub.MetadataObjectID"
    found = rows(f"SELECT {columns} FROM '{exported}/records.parquet' WHERE ModelName = '{TUNED}'")
    tags = ["pytorch", "jax", "license:mit", "pytorch"]
    assert found == [("huggingface", TUNED, ["train", "eval"], tags, 1)]


def test_the_crawl_is_in_the_metadata_of_each_file(exported: Path) -> None:
    for path in exported.rglob("*.parquet"):
        metadata = pq.read_schema(path).metadata
        assert metadata[b"huggingface"] == b"crawl of 2026-01-01T00:00:00.000+00:00, version 0.1.0, finished"
        assert metadata[b"program"].startswith(b"ptmtorrent_scrapy ")


def test_queries_for_hub_stats_run(exported: Path) -> None:
    models = exported / "huggingface" / "models.parquet"
    # In the shape of the queries that the dataset's users write: growth by month, a JSON field, lineage, parameters.
    month = "SELECT DATE_TRUNC('month', CAST(createdAt AS DATE)), COUNT(*) FROM '{}' GROUP BY 1"
    assert rows(month.format(models))[0][1] == 3
    grams = "SELECT json_extract(cardData, '$.co2_eq_emissions.emissions') FROM '{}' WHERE id = 'gpt2'"
    assert rows(grams.format(models)) == [("12.5",)]
    with duckdb.connect() as connection:
        unnested = f"SELECT id, unnest(baseModels.models).id FROM '{models}' WHERE baseModels.relation = 'finetune'"
        assert connection.execute(unnested).fetchall() == [(TUNED, BERT)]
    assert rows(f"SELECT safetensors.total FROM '{models}' WHERE id = '{PLAIN}'") == [(7,)]
    assert rows(f"SELECT count(*) FROM '{models}' WHERE list_contains(tags, 'pytorch') AND gated = 'false'") == [(3,)]


def test_listings_are_sorted_and_say_so(exported: Path) -> None:
    path = exported / "huggingface" / "models.parquet"
    assert [row[0] for row in rows(f"SELECT _id FROM '{path}'")] == [f"{n:024x}" for n in range(3)]
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert group.sorting_columns[0].column_index == 0
    statistics = group.column(0).statistics
    assert statistics is not None
    assert statistics.min == "0" * 24
    assert group.column(0).compression == "ZSTD"
    spaces = exported / "huggingface" / "spaces.parquet"
    assert rows(f"SELECT id, models FROM '{spaces}'")[0] == ("me/other", [BERT])


def test_files_can_be_joined_to_records(exported: Path) -> None:
    query = (
        f"SELECT r.ModelName, f.path FROM '{exported}/files.parquet' f JOIN '{exported}/records.parquet' r"
        f" ON r.ModelURL = f.repository WHERE f.sha256 = '{SHARED}' ORDER BY 1"
    )
    assert rows(query) == [(TUNED, "w/model.bin"), (BERT, "model.bin")]


def test_hostile_values_cost_their_field(tmp_path: Path) -> None:
    models = [
        listed(3, likes="many", downloads=2**64, tags="none", siblings=[{"rfilename": 1}, "x", {"rfilename": "a"}]),
        listed(1, createdAt="yesterday", lastModified="99999-01-01T00:00:00Z", private="no", cardData="\0" * 10),
        listed(2, _id="not an id", safetensors=[1], baseModels={"models": "x", "relation": 5}, gated=3),
    ]
    models[0]["downloadsAllTime"] = 2**63 - 1  # which pandas makes 2**63
    texts = [json.dumps(model) for model in models] + [
        '{"_id": "' + "0" * 24 + '", "id": "half\\ud800", "likes": 1e999}'
    ]
    write_hub(tmp_path, records=[record(0, "org/a", ModelLikes=[1])], objects={"hf_metadata.json": texts})
    Export(Catalog(tmp_path).hubs(), tmp_path / "exports").run(["parquet"])
    found = rows(
        "SELECT id, likes, coalesce(downloadsAllTime, downloads), tags, siblings, private"
        f" FROM '{tmp_path}/exports/huggingface/models.parquet'"
    )
    assert found == [
        ("half\ufffd", None, None, None, None, None),
        ("org/model-1", 1, 999, ["pytorch", "license:mit"], None, None),
        ("org/model-3", None, None, None, ["a"], False),
        ("org/model-2", 2, 998, ["pytorch", "license:mit"], None, False),
    ]


def test_an_array_in_one_line_is_sorted_like_others(tmp_path: Path) -> None:
    models = [listed(n, siblings=[{"rfilename": f"file-{n}"}]) for n in (1, 2, 0)]
    path = write_models(tmp_path, models) / "json" / "metadata" / "hf_metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    files = Export(Catalog(tmp_path).hubs(), tmp_path / "exports").run(["parquet"])
    assert [file.path.name for file in files] == [*(f"{name}.parquet" for name in ORDER), "models.parquet"]
    found = rows(f"SELECT _id, siblings FROM '{tmp_path}/exports/huggingface/models.parquet'")
    assert found == [(f"{n:024x}", [f"file-{n}"]) for n in range(3)]


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ptmtorrent_scrapy.exports.parquet.table.ROWS", 30)
    monkeypatch.setattr("ptmtorrent_scrapy.exports.parquet.table._BATCH", 20)
    write_models(tmp_path, [listed(n) for n in range(70)])
    Export(Catalog(tmp_path).hubs(), tmp_path / "exports").run(["parquet"])
    file = pq.ParquetFile(tmp_path / "exports" / "huggingface" / "models.parquet").metadata
    assert [file.row_group(n).num_rows for n in range(file.num_row_groups)] == [30, 30, 10]


def test_the_total_that_is_estimated_is_near_the_number_of_models(tmp_path: Path) -> None:
    write_models(tmp_path, [listed(n) for n in range(1200)])
    told: dict[str, list[tuple[int, int | None]]] = {}
    export = Export(
        Catalog(tmp_path).hubs(),
        tmp_path / "exports",
        advance=lambda what, done, total: told.setdefault(what, []).append((done, total)),
    )
    export.run(["sqlite", "parquet", "fair4ml"])
    for what in ("to SQLite", "to Parquet", "as in hub-stats", "to FAIR4ML"):
        done, total = told[f"huggingface {what}"][0]
        assert done == 500
        assert total is not None
        assert 1100 < total < 1300


def test_a_large_listing_that_another_process_writes_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [json.dumps(listed(n)) for n in range(3)] + ['{"_id":"' + "0" * 24 + '","id":broken}']
    write_hub(tmp_path, records=[record(0, "org/a")], objects={"hf_metadata.json": texts})
    exports, warnings = [tmp_path / "whole", tmp_path / "apart"], list[str]()
    for folder in exports:
        Export(Catalog(tmp_path).hubs(), folder, warn=warnings.append).run(["parquet"])
        monkeypatch.setattr("ptmtorrent_scrapy.exports.child_process._LARGE", 0)
    whole, apart = (pq.read_table(folder / "huggingface" / "models.parquet") for folder in exports)
    assert whole.equals(apart)
    assert whole.num_rows == 3
    assert [warning for warning in warnings if "hf_metadata.json" in warning] == 2 * [
        "huggingface: cannot be read and is not exported: json/metadata/hf_metadata.json: "
        f"the value at byte {sum(len(text) + 2 for text in texts[:3]) + 2} is not JSON"
    ]
