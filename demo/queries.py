"""Export the demo's tree, and run three queries on the database."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_QUERIES = (
    (
        "The most downloaded model of each task",
        "SELECT task, name, downloads FROM ptm_most_downloaded_by_task WHERE rank = 1 ORDER BY downloads DESC LIMIT 5",
    ),
    (
        "Which licence becomes which, from base models to models derived from them",
        "SELECT base_license, relation, license, models FROM ptm_license_flow LIMIT 5",
    ),
    (
        "Models, their commits and authors in the clones, as PeaTMOSS keeps them",
        "SELECT h.name AS hub, count(DISTINCT c.model_id) AS models, count(*) AS commits,"
        " count(DISTINCT a.author_id) AS authors FROM hf_commit c JOIN model m ON m.id = c.model_id"
        " JOIN model_hub h ON h.id = m.model_hub_id JOIN hf_commit_to_author a ON a.hf_commit_id = c.id"
        " GROUP BY h.id ORDER BY commits DESC",
    ),
)


def export(data: Path) -> int:
    """Export the tree in all formats and show three queries; return the export's exit status."""
    command = ["scrapy", "export", "all"]
    print("\n$", *command, flush=True)
    command += ["-s", f"DATA_DIR={data}"]
    status = subprocess.run([sys.executable, "-m", *command], stdin=subprocess.DEVNULL, check=False).returncode
    if status == 0:
        database = data / "exports" / "ptmtorrent.sqlite"
        with closing(sqlite3.connect(database)) as connection:
            for question, query in _QUERIES:
                print(f"\n{question}:\n$ sqlite3 {database} '{query}'")
                print("\n".join(_table(connection.execute(query))))
    return status


def _table(found: sqlite3.Cursor) -> Iterator[str]:
    """Yield the lines of a table with the names of its columns."""
    rows = [tuple(column[0] for column in found.description), *found.fetchall()]
    texts = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        yield "  " + "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
