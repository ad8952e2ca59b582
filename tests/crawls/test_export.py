"""Crawled data is exported; after the next crawl only the changes differ."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.exports.export import Export
from tests.conftest import Start
from tests.hubs import Hubs


def export(data: Path) -> dict[str, list[Any]]:
    """Export a tree; the rows of some tables by the model that they are of."""
    warnings: list[str] = []
    Export(Catalog(data).hubs(), data / "exports", warn=warnings.append).run(["sqlite", "parquet", "croissant"])
    queries = {
        "model": "SELECT context_id, sha, downloads, has_snapshot FROM model",
        "tag": "SELECT m.context_id, t.name FROM model m JOIN model_to_tag j ON j.model_id = m.id"
        " JOIN tag t ON t.id = j.tag_id",
        "commit": "SELECT m.context_id, c.commit_id, c.title FROM hf_commit c JOIN model m ON m.id = c.model_id",
        "repository": "SELECT url, status, path FROM ptm_repository WHERE path IS NOT NULL",
        "file": "SELECT DISTINCT r.url FROM ptm_file f JOIN ptm_repository r ON r.id = f.repository_id",
        "reuse": "SELECT m.context_id, r.url FROM model_to_reuse_repository j JOIN model m ON m.id = j.model_id"
        " JOIN reuse_repository r ON r.id = j.reuse_repository_id",
        "wrong": "SELECT * FROM pragma_foreign_key_check",
    }
    with closing(sqlite3.connect(data / "exports" / "ptmtorrent.sqlite")) as database:
        return {name: sorted(database.execute(query)) for name, query in queries.items()}


def test_only_what_changed_differs_after_the_next_crawl(hubs: Hubs, crawl: Start, folder: Path) -> None:
    assert crawl("huggingface", fraction=0.1).status == 0
    assert crawl("huggingface_spaces", HUGGINGFACE_URL=hubs.url).status == 0
    first = export(folder / "data")
    clones = {row[0] for row in first["model"] if row[3]}
    assert len(clones) == 6
    assert {row[0] for row in first["commit"]} == clones
    assert len(first["repository"]) == 6
    assert first["file"] == [(row[0],) for row in first["repository"]]
    assert first["reuse"]
    assert not first["wrong"]

    models = [hubs.huggingface.generated.model(index) for index in range(60)]
    changed = models[7]["id"]
    models[7] = {**models[7], "tags": [*models[7]["tags"], "changed"], "downloads": 3}
    hubs.huggingface.models = models
    assert crawl("huggingface", fraction=0.1).status == 0
    second = export(folder / "data")
    different = {row[0] for name in ("model", "tag") for row in set(first[name]) ^ set(second[name])}
    assert different == {changed}
    assert second["reuse"] == first["reuse"]
