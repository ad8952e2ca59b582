"""Writes the Parquet files of a tree."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ptmtorrent_scrapy.exports.huggingface import LISTINGS
from ptmtorrent_scrapy.exports.output import Output
from ptmtorrent_scrapy.exports.parquet import hub_stats
from ptmtorrent_scrapy.exports.parquet.columns import Column, integer, of_schema, real, text
from ptmtorrent_scrapy.exports.parquet.table import Table, table
from ptmtorrent_scrapy.exports.source import Advance, Progress, Source, about, counted
from ptmtorrent_scrapy.exports.values import names
from ptmtorrent_scrapy.records.validator import schema

_RECORD = schema("record")
RECORDS: dict[str, Column] = {
    "hub": text(),
    **{name: of_schema(each, _RECORD["$defs"]) for name, each in _RECORD["properties"].items()},
}
REPOSITORIES: dict[str, Column] = {
    "hub": text(),
    **{name: text() for name in ("url", "path", "commit", "branch", "status", "error", "started")},
    "attempts": integer(),
    "seconds": real(),
    **{name: integer() for name in ("git_bytes", "lfs_objects", "lfs_bytes")},
}
FILES: dict[str, Column] = {
    "hub": text(),
    "repository": text(),
    "path": text(),
    "size": integer(),
    "blob": text(),
    "sha256": text(),
    "state": text(),
}
BASE_MODELS: dict[str, Column] = {"hub": text(), "model": text(), "base_model": text(), "relation": text()}
_LISTING = 28 << 20  # bytes of a row group of a listing, whose places are in memory, too
_LISTED = LISTINGS["models"][0]
COLUMNS: dict[str, dict[str, Column]] = {
    "records.parquet": RECORDS,
    "base_models.parquet": BASE_MODELS,
    "repositories.parquet": REPOSITORIES,
    "files.parquet": FILES,
    **{f"{_LISTED}/{name}.parquet": columns for name, columns in hub_stats.COLUMNS.items()},
}
KEYS = {
    "records.parquet": ("hub", "id"),
    "repositories.parquet": ("hub", "url"),
    "files.parquet": ("repository", "path"),
    **{f"{_LISTED}/{name}.parquet": ("_id",) for name in hub_stats.COLUMNS},
}
REFERENCES = {
    ("base_models.parquet", "model"): "records/ModelName",
    ("files.parquet", "repository"): "repositories/url",
}


def write(output: Output, found: Sequence[Source], advance: Advance) -> list[str]:
    """Write all files of the hubs; return their names. Raises `OSError`."""
    description = about(found)
    written = ["records.parquet", "base_models.parquet", "repositories.parquet", "files.parquet"]
    with (
        _table(output, written[0], RECORDS, description) as records,
        _table(output, written[1], BASE_MODELS, description) as bases,
    ):
        for source in found:
            _add_records(records, bases, source, advance)
    with _table(output, written[2], REPOSITORIES, description) as repositories:
        for source in found:
            for line in counted(advance, f"repositories of {source.hub.name}", source.hub.repositories()):
                repositories.add({**line, "hub": source.hub.name})
    with _table(output, written[3], FILES, description) as files:
        for source in found:
            for line in counted(advance, f"files of {source.hub.name}", source.hub.files()):
                files.add({**line, "hub": source.hub.name})
    return written + [name for source in found for name in _write_listing(output, source, description, advance)]


@contextmanager
def _table(output: Output, name: str, columns: Mapping[str, Column], description: Mapping[str, str]) -> Iterator[Table]:
    """Open a table of the output; its rows are in the order of the hubs, and in the order of the hub's file."""
    with table(output.new(name), columns, description, order="hub") as rows:
        yield rows
    output.complete(name, rows.rows)


def _add_records(records: Table, bases: Table, source: Source, advance: Advance) -> None:
    hub, size = source.hub.name, source.pair.records_size
    progress = Progress(advance, f"{hub} to Parquet", source.pair, size)
    read = source.pair.read
    for record, _ in source.pair.records(with_objects=False):
        records.add({**record, "hub": hub}, source.pair.read - read)
        read = source.pair.read
        relation = record.get("ModelBaseModelRelation")
        for base in names(record.get("ModelBaseModels")):
            bases.add({"hub": hub, "model": record["ModelName"], "base_model": base, "relation": relation})
        progress.step()
    progress.end()


def _write_listing(output: Output, source: Source, description: Mapping[str, str], advance: Advance) -> list[str]:
    """Write a listing of Hugging Face, if the hub is one; return the names of its files."""
    for name, (hub, file) in LISTINGS.items():
        if hub == source.hub.name and file in source.pair.metadata:
            path = f"{_LISTED}/{name}.parquet"
            progress = Progress(advance, f"{hub} as in hub-stats", source.pair, source.pair.metadata_size(file))
            columns = hub_stats.COLUMNS[name]
            with table(output.new(path), columns, description, order="_id", most=_LISTING) as rows:
                for row, size in hub_stats.rows(source.pair, file):
                    rows.add(row, size)
                    progress.step(size)
            progress.end()
            output.complete(path, rows.rows)
            return [path]
    return []
