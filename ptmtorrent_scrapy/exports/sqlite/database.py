"""Write the database: one file for all hubs of a tree."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.exports.child_process import in_child_process
from ptmtorrent_scrapy.exports.huggingface import LISTINGS
from ptmtorrent_scrapy.exports.source import Advance, Progress, Source
from ptmtorrent_scrapy.exports.sqlite import tables, views
from ptmtorrent_scrapy.exports.sqlite.batch import batches
from ptmtorrent_scrapy.exports.sqlite.commits import Commits
from ptmtorrent_scrapy.exports.sqlite.lines import Repositories, add_crawls, add_rejected
from ptmtorrent_scrapy.exports.sqlite.models import Models
from ptmtorrent_scrapy.exports.sqlite.reuse import GITHUB, add_spaces
from ptmtorrent_scrapy.exports.sqlite.rows import Rows
from ptmtorrent_scrapy.formats.counted import counted

_FAST = (
    "PRAGMA journal_mode = OFF",  # the file is new: it is removed if it cannot be completed
    "PRAGMA synchronous = OFF",  # synced once, before it is renamed
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA cache_size = -32000",  # kilobytes
    "PRAGMA temp_store = FILE",
    "PRAGMA page_size = 8192",
    "PRAGMA secure_delete = OFF",  # some systems overwrite deleted rows by default
)
_STATEMENTS = 300  # prepared statements to keep: each table has some
_BASES = """
UPDATE ptm_base_model SET base_model_id = (SELECT id FROM model WHERE context_id = base)
"""
_EMPTY = (
    "github_* but github_repository and github_user, discussion*, ptm_issue*, ptm_pull_request*, reuse_file, file_path:"
    " issues, pull requests and discussions are not collected, nor which file of a program uses a model"
)


def write(
    path: Path, found: Sequence[Source], *, with_commits: bool, advance: Advance, warn: Callable[[str], object]
) -> int:
    """Write the database of the hubs; return the number of models. Raise `OSError`, `sqlite3.Error`."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, cached_statements=_STATEMENTS)) as connection:
        for pragma in _FAST:
            connection.execute(pragma)
        tables.create(connection)
        connection.execute("BEGIN")
        models = _fill(connection, found, with_commits=with_commits, advance=advance, warn=warn)
        advance("indices", 0, 1)
        views.create(connection)
        tables.index(connection)
        connection.execute("COMMIT")
        advance("indices", 1, 1)
    return models


def _fill(
    connection: sqlite3.Connection,
    found: Sequence[Source],
    *,
    with_commits: bool,
    advance: Advance,
    warn: Callable[[str], object],
) -> int:
    rows = Rows(connection)
    models, repositories = Models(rows), Repositories(rows)
    for source in found:
        repositories.add_hub(source.hub, advance)
        _add_models(rows, models, repositories, source, advance)
        repositories.add_files(source.hub, advance)
    rows.flush()
    connection.execute(_BASES)
    tables.index_repositories(connection)
    _add_spaces(rows, found)
    for insert in GITHUB:
        connection.execute(insert)
    if with_commits:
        _add_commits(rows, models, found, advance, warn)
    _add_about(rows, found, with_commits=with_commits)
    rows.flush()
    return models.count


def _add_models(rows: Rows, models: Models, repositories: Repositories, source: Source, advance: Advance) -> None:
    """Add the models of a hub; another process reads the records and turns them into columns."""
    name, pair = source.hub.name, source.pair
    add_crawls(rows, source.hub, source.crawl)
    progress = Progress(advance, f"{name} to SQLite", pair, pair.records_size)
    first = models.count + 1
    with in_child_process(lambda: batches(pair, source.hub, first), pair.records_size) as found:
        for batch in found:
            models.add(name, batch, repositories.find)
            source.hub.faults.add_all(batch.faults)
            progress.step(batch.read, len(batch.models))
    add_rejected(rows, source.hub, pair)
    progress.end()


def _add_commits(
    rows: Rows, models: Models, found: Sequence[Source], advance: Advance, warn: Callable[[str], object]
) -> None:
    """Add the commits of all clones; warn of clones whose commits cannot be read."""
    commits = Commits(rows, models.authors, {source.hub.name: source.hub.tree for source in found})
    commits.add_all(lambda done, total: advance("commits", done, total))
    for unreadable in commits.described:
        warn(f"the commits of a clone cannot be read: {unreadable}")
    if more := commits.unreadable - len(commits.described):
        warn(f"the commits of {counted(more, 'more clone')} cannot be read")


def _add_spaces(rows: Rows, found: Sequence[Source]) -> None:
    url = rows.connection.execute(
        "SELECT h.url FROM model_hub h JOIN model m ON m.model_hub_id = h.id JOIN ptm_model p ON p.model_id = m.id"
        " WHERE p.hub = ? LIMIT 1",
        (LISTINGS["models"][0],),
    ).fetchone()
    for source in found:
        if source.hub.name == LISTINGS["spaces"][0]:
            add_spaces(rows, source.pair, url[0] if url else None)


def _add_about(rows: Rows, found: Sequence[Source], *, with_commits: bool) -> None:
    """Add a description of the database and the origin of each hub's data."""
    rows.add("ptm_about", "program", "ptmtorrent_scrapy")
    rows.add("ptm_about", "version", __version__)
    rows.add("ptm_about", "schema", "PeaTMOSS (56 tables); ours begin with ptm_")
    rows.add("ptm_about", "exported", datetime.now(UTC).isoformat(timespec="seconds"))
    rows.add("ptm_about", "commits", "of clones that hold one model" if with_commits else "none (--no-commits)")
    rows.add("ptm_about", "empty", _EMPTY)
    for source in found:
        hub = source.hub
        rows.add("ptm_about", f"source of {hub.name}", source.description())
        if missing := hub.missing():
            rows.add("ptm_about", f"missing of {hub.name}", ", ".join(missing))
        for fault in hub.faults.lines():
            rows.add("ptm_about", f"unreadable of {hub.name}: {fault.partition(':')[0]}", fault.partition(": ")[2])
