"""Write one Parquet file row by row, with limited memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ptmtorrent_scrapy.exports.parquet.columns import POOL, Column

_BATCH = 500  # rows that are converted at once
ROWS = 100_000  # of a row group
BYTES = 28 << 20  # of a row group, unless large rows fill it earlier
_TEXT = 2 << 20  # bytes of JSON that are converted at once

KeyValues = Mapping[str, str]


class Table:
    """Takes rows and writes row groups."""

    def __init__(self, writer: pq.ParquetWriter, columns: Mapping[str, Column], most: int) -> None:
        self.rows = 0
        self._most = most
        self._text = 0  # bytes of JSON that wait
        self._writer = writer
        self._columns = columns
        self._schema = pa.schema([pa.field(name, column.type) for name, column in columns.items()])
        self._waiting: list[dict[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []
        self._count = self._bytes = 0  # of the batches

    def add(self, row: dict[str, Any], size: int = 0) -> None:
        """Add a row, made from `size` bytes; missing values and values of another type are null."""
        self._waiting.append(row)
        self._text += size
        self.rows += 1
        if len(self._waiting) >= _BATCH or self._text >= _TEXT:
            self._convert()

    def close(self) -> None:
        """Write the last rows."""
        self._convert()
        self._write()

    def _convert(self) -> None:
        if not self._waiting:
            return
        rows = self._waiting
        arrays = [column.array([*map(dict.get, rows, repeat(name))]) for name, column in self._columns.items()]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._waiting, self._text = [], 0
        if self._count + batch.num_rows > ROWS:
            first = ROWS - self._count
            self._keep(batch.slice(0, first))
            self._write()
            batch = batch.slice(first)
        self._keep(batch)
        if self._count >= ROWS or self._bytes >= self._most:
            self._write()

    def _keep(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._count += batch.num_rows
        self._bytes += batch.nbytes

    def _write(self) -> None:
        if self._count:
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema), row_group_size=ROWS)
        self._batches.clear()
        for pool in (POOL, pa.default_memory_pool()):
            pool.release_unused()
        self._count = self._bytes = 0


@contextmanager
def table(
    path: Path, columns: Mapping[str, Column], about: KeyValues, *, order: str, most: int = BYTES
) -> Iterator[Table]:
    """Open a file for rows with these columns, sorted by one of them.

    `about` becomes its key-value metadata; a row group has at most 100,000 rows, or about `most` bytes.
    """
    metadata: dict[bytes | str, bytes | str] = {key: value for key, value in about.items()}  # noqa: C416 # wider types
    schema = pa.schema([pa.field(name, column.type) for name, column in columns.items()], metadata=metadata)
    sorting = pq.SortingColumn.from_ordering(schema, [(order, "ascending")])
    with pq.ParquetWriter(path, schema, compression="zstd", sorting_columns=sorting) as writer:
        rows = Table(writer, columns, most)
        yield rows
        rows.close()
