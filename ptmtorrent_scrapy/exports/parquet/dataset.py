"""Write the Parquet files of a tree."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ptmtorrent_scrapy.catalog.faults import Faults
from ptmtorrent_scrapy.exports.child_process import in_child_process
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
_LISTING = 14 << 20  # bytes of a row group of a listing, whose positions are in memory, too
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
    """Write all files of the hubs; return their names. Raise `OSError`.

    A large listing is written by a process of its own, while this one writes the other files.
    """
    description = about(found)
    with ExitStack() as processes:
        listings = [_Listing(output, processes, *listed, description) for source in found for listed in _listed(source)]
        written = _write_others(output, found, description, advance)
        return written + [listing.write(advance) for listing in listings]


def _write_others(
    output: Output, found: Sequence[Source], description: Mapping[str, str], advance: Advance
) -> list[str]:
    """Write the files other than listings; return their names."""
    written = ["records.parquet", "base_models.parquet", "repositories.parquet", "files.parquet"]
    with (
        _table(output, written[1], BASE_MODELS, description) as bases,
        _table(output, written[0], RECORDS, description) as records,
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
    return written


@contextmanager
def _table(output: Output, name: str, columns: Mapping[str, Column], description: Mapping[str, str]) -> Iterator[Table]:
    """Open a table of the output, sorted by hub and then by position in the hub's file."""
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


def _listed(source: Source) -> Iterator[tuple[Source, str, str]]:
    """Yield a hub, the kind of its objects and their file, if it is one of Hugging Face's."""
    for kind, (hub, file) in LISTINGS.items():
        if hub == source.hub.name and file in source.pair.metadata:
            yield source, kind, file


class _Listing:
    """The file of a listing of Hugging Face; another process writes it if the listing is large."""

    def __init__(
        self,
        output: Output,
        processes: ExitStack,
        source: Source,
        kind: str,
        file: str,
        description: Mapping[str, str],
    ) -> None:
        self._output = output
        self._source = source
        self._kind = kind
        self._file = file
        self._description = description
        self._what = f"{source.hub.name} as in hub-stats"
        self._name = f"{_LISTED}/{kind}.parquet"
        self._path: Path = output.new(self._name)
        self._advance: Advance = lambda what, done, total: None
        self._written = processes.enter_context(in_child_process(self._write, source.pair.metadata_size(file)))

    def write(self, advance: Advance) -> str:
        """Return the file's name, once it is written. Raise `OSError`."""
        self._advance = advance
        for rows, faults in self._written:
            self._source.hub.faults.add_all(faults)
            advance(self._what, rows, rows)
            self._output.complete(self._name, rows)
        return self._name

    def _write(self) -> Iterator[tuple[int, Faults]]:
        """Write the file; yield its number of rows and the faults."""
        pair, columns = self._source.pair, hub_stats.COLUMNS[self._kind]
        progress = Progress(self._advance, self._what, pair, pair.metadata_size(self._file))
        with table(self._path, columns, self._description, order="_id", most=_LISTING) as rows:
            for row, size in hub_stats.rows(pair, self._file):
                rows.add(row, size)
                progress.step(size)
        yield rows.rows, self._source.hub.faults
