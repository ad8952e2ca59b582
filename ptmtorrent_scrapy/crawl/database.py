"""Database of a crawl: models, repositories and results. It is on disk, so memory does not grow with the hub."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from ptmtorrent_scrapy.crawl.clone_lines import CloneLines
from ptmtorrent_scrapy.crawl.commit_check_table import CommitCheckTable
from ptmtorrent_scrapy.crawl.connection import DatabaseFile
from ptmtorrent_scrapy.crawl.renamed_clones import RenamedClones
from ptmtorrent_scrapy.crawl.tables import CHOOSE, CHOOSE_MORE, REST, TABLES
from ptmtorrent_scrapy.items import Model

# never copied from another crawl
_OF_EACH_CRAWL = ("repository", "result WHERE path IS NOT NULL", "commit_check")


@dataclass(frozen=True, kw_only=True)
class ListedRepository:
    """A repository that models of the listing name."""

    position: int  # rank in the order of cloning
    url: str
    folder: str
    commit: str | None  # from the listing
    gated: bool
    bytes: int | None  # from the listing
    hub_id: str | None
    host: str
    chosen: bool  # to be cloned; for the others only the commit is requested
    previous_path: str | None  # path of the clone under a previous name, below the hub's folder


class CrawlDatabase(DatabaseFile):
    """The listed models, by key, and their repositories, by clone URL."""

    def __init__(self, path: Path) -> None:
        self._is_complete = False
        self.added = 0  # models that this crawl has added
        super().__init__(path)

    def prepare(self) -> None:
        self._database.create_function("host", 1, lambda url: urlsplit(url).netloc, deterministic=True)
        if not self._count("SELECT count(*) FROM sqlite_schema"):
            self._database.executescript(TABLES)
        self._database.execute("BEGIN")
        for table in _OF_EACH_CRAWL:
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self.state()  # fails if the file is of another version, or damaged

    def save(self, state: bytes, *, complete: bool) -> None:
        """Make everything so far durable, with the checkpoint; `complete` means that the listing has ended.

        Nothing becomes durable between checkpoints: a resumed listing must find the state at the checkpoint's page.
        """
        self._database.execute("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", (state,))
        self._is_complete = complete
        self.commit()

    def save_results(self) -> None:
        """Make the results of clones durable, unless the hub is still being listed."""
        if self._is_complete:
            self.commit()

    def state(self) -> bytes | None:
        """Return the checkpoint that this crawl or an earlier one saved last."""
        row = self._database.execute("SELECT state FROM checkpoint").fetchone()
        return row[0] if row else None

    def add(self, model: Model, *, wanted: bool, rank: int) -> bool:
        """Add a model, and whether it can be chosen; return False if it was listed before."""
        row = (
            *(model.key, model.name if model.name != model.key else None, wanted, rank),
            *(model.repository, model.folder, model.commit, bool(model.gated), model.bytes, model.hub_id),
        )
        query = "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        is_new = self._database.execute(query, row).rowcount == 1
        self.added += is_new
        return is_new

    def wanted(self) -> int:
        """Return the number of models that can be chosen."""
        return self._count("SELECT count(*) FROM model WHERE wanted")

    def unlisted(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the names that are not the key, name or clone URL of a wanted model."""
        listed = self._database.execute("SELECT key, name, url FROM model WHERE wanted")
        missing = set(names)
        for keys in listed:
            missing.difference_update(keys)
        yield from sorted(missing)

    def nearest(self, name: str) -> str | None:
        """Return the most similar name among the models of the same owner; None if none is similar."""
        owner, slash, _ = name.partition("/")
        query = "SELECT key FROM model WHERE key >= ? AND key < ? LIMIT 10000"
        rows = self._database.execute(query, (f"{owner}/", f"{owner}0")) if slash else ()
        near = difflib.get_close_matches(name, [key for (key,) in rows], n=1)
        return near[0] if near else None

    def choose(self, count: int) -> tuple[int, int]:
        """Choose the repositories of the first `count` wanted models by rank; equal ranks keep the listing's order.

        Return the number of chosen repositories, and the number of others whose commit the listing does not have.
        """
        self._database.execute(CHOOSE, (count,))
        chosen = self._count("SELECT count(*) FROM repository")
        self._database.execute(REST)
        return chosen, self._count("SELECT count(*) FROM repository") - chosen

    def choose_more(self, count: int, *, after: int) -> int:
        """Choose also the repositories of the next `count` wanted models after the first `after`; return how many."""
        return self._database.execute(CHOOSE_MORE, (count, after)).rowcount

    def last_position(self) -> int:
        """Return the position of the last repository."""
        return self._count("SELECT coalesce(max(rowid), 0) FROM repository")

    def hosts(self, *, after: int = 0) -> list[str]:
        """Return the hosts of the repositories after a position."""
        query = "SELECT DISTINCT host FROM repository WHERE rowid > ?"
        return [host for (host,) in self._database.execute(query, (after,))]

    def repositories(self, host: str | None = None, *, after: int = 0) -> Iterator[ListedRepository]:
        """Yield the chosen repositories by rank, then those of which only the commit is needed; of one host or all."""
        last = after
        query = (
            "SELECT rowid, url, folder, hub_commit, gated, bytes, hub_id, host, chosen, previous_path FROM repository "
            "WHERE rowid > ? AND (? IS NULL OR host = ?) ORDER BY rowid LIMIT 1"
        )
        while row := self._database.execute(query, (last, host, host)).fetchone():
            last, url, folder, hub_commit, gated, size, hub_id, of_host, chosen, previous_path = row
            yield ListedRepository(
                position=last,
                url=url,
                folder=folder,
                commit=hub_commit,
                gated=bool(gated),
                bytes=size,
                hub_id=hub_id,
                host=of_host,
                chosen=bool(chosen),
                previous_path=previous_path,
            )

    def renamed_clones(self) -> RenamedClones:
        """Return the clones whose repository may have been renamed."""
        return RenamedClones(self._database)

    def forget(self, path: str) -> None:
        """Delete the lines of clones at a path."""
        self._database.execute("DELETE FROM result WHERE path = ?", (path,))

    def set_found(self, url: str, *, commit: str | None, problem: str | None, files: bytes | None = None) -> None:
        """Store the answer of a repository's server."""
        query = "UPDATE repository SET found = ?, problem = ?, files = ? WHERE url = ?"
        self._database.execute(query, (commit, problem, files, url))

    def found(self, url: str) -> tuple[str | None, str | None, bytes | None]:
        """Return (commit, problem, files) from `set_found`."""
        query = "SELECT found, problem, files FROM repository WHERE url = ?"
        row = self._database.execute(query, (url,)).fetchone()
        return row or (None, None, None)

    def set_result(self, url: str, line: bytes, *, path: str | None) -> None:
        """Store the result of a repository, as a line of repositories.jsonl, and the path of its clone."""
        query = (
            "INSERT INTO result VALUES (?, ?, ?) "
            "ON CONFLICT (url) DO UPDATE SET path = excluded.path, line = excluded.line"
        )
        self._database.execute(query, (url, path, line))

    def clone_path(self, url: str) -> str | None:
        """Return the path of a repository's clone below the hub's folder; None if it has none."""
        row = self._database.execute("SELECT path FROM result WHERE url = ?", (url,)).fetchone()
        return row[0] if row else None

    def clones(self) -> Iterator[tuple[str, bytes]]:
        """Yield (path, line of repositories.jsonl) of every clone."""
        yield from self._database.execute("SELECT path, line FROM result WHERE path IS NOT NULL ORDER BY url")

    def result(self, url: str) -> dict[str, Any]:
        """Return the result of a repository, of this crawl or an earlier one; empty if it has none."""
        row = self._database.execute("SELECT line FROM result WHERE url = ?", (url,)).fetchone()
        return orjson.loads(row[0]) if row else {}

    def results(self) -> Iterator[bytes]:
        """Yield all lines sorted by URL, independent of the order in which clones were completed."""
        for (line,) in self._database.execute("SELECT line FROM result ORDER BY url"):
            yield line

    @property
    def commit_checks(self) -> CommitCheckTable:
        """Return the answers of servers to requests for a commit."""
        return CommitCheckTable(self._database)

    @property
    def lines(self) -> CloneLines:
        """Return the lines of repositories.jsonl, by the folder of their clone."""
        return CloneLines(self._database)

    def other_in_folder(self, url: str, folder: str) -> str | None:
        """Return the URL of another repository whose clone is in a folder."""
        other = self.lines.url_at(f"repos/{folder}")
        return None if other == url else other

    def models_of(self, url: str) -> int:
        """Return how many models have this repository."""
        return int(self._database.execute("SELECT count(*) FROM model WHERE url = ?", (url,)).fetchone()[0])
