"""List the clones of a package: each large file with the first clone that has it, or in fetch.txt."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path

from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.clones import Clones, PackagedClone
from ptmtorrent_scrapy.publication.files import Entry
from ptmtorrent_scrapy.publication.options import PackageOptions
from ptmtorrent_scrapy.publication.parallel import ordered
from ptmtorrent_scrapy.publication.payload import Payload
from ptmtorrent_scrapy.publication.repositories import PackagedRepository, Repositories

FileUrl = Callable[[PackagedRepository, str], str | None]
_AHEAD = 4  # waiting clones per worker
_SCHEMA = """
DROP TABLE IF EXISTS seen;
CREATE TABLE seen (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class ChosenClones:
    """Lists the files of the repositories that go into a package."""

    def __init__(
        self,
        root: Path,
        lister: Clones,
        payload: Payload,
        options: PackageOptions,
        *,
        file_url: FileUrl,
        advance: Callable[[str, int, int], object],
        report: Callable[[str], object],
    ) -> None:
        self._root = root
        self._lister = lister
        self._payload = payload
        self._options = options
        self._file_url = file_url
        self._advance = advance
        self._report = report

    def listed(self, repository: PackagedRepository) -> PackagedClone:
        """Return the files of one clone. Raise `BagError`, `GitError`, `OSError`."""
        return self._lister.packaged(self._root, repository)

    def all(self, repositories: Repositories, database: sqlite3.Connection, pool: Executor) -> Iterator[PackagedClone]:
        """Yield the clones with the large files that go into the package. Raise `BagError`, `GitError`, `OSError`."""
        database.executescript(_SCHEMA)
        for clone in self._list_all(repositories, pool):
            self._payload.totals.unreadable += clone.unreadable
            insert = "INSERT OR IGNORE INTO seen VALUES (?)"
            first = [entry for entry in clone.objects if database.execute(insert, (entry.path,)).rowcount]
            clone.objects = [entry for entry in first if not self._is_fetched(clone, entry)]
            yield clone

    def _list_all(self, repositories: Repositories, pool: Executor) -> Iterator[PackagedClone]:
        total = sum(count for _, excluded, count, _ in repositories.counts() if not excluded)
        listed = ordered(pool, self._list, repositories.chosen(), self._options.workers * _AHEAD)
        for done, (repository, clone) in enumerate(listed, 1):
            if isinstance(clone, PackagedClone):
                yield clone
            elif self._options.strict:
                raise clone
            else:
                self._report(f"{repository.hub}/{repository.folder} is not in the package: {clone}")
            self._advance("repositories", done, total)

    def _list(self, repository: PackagedRepository) -> tuple[PackagedRepository, PackagedClone | Exception]:
        try:
            return repository, self.listed(repository)
        except (BagError, GitError, OSError, ValueError) as error:
            return repository, error

    def _is_fetched(self, clone: PackagedClone, entry: Entry) -> bool:
        """Add a large file to fetch.txt instead of packaging it, if requested and its hub has a URL for it."""
        assert entry.oid is not None
        if not self._options.without_weights:
            return False
        if (url := self._file_url(clone.repository, clone.names[entry.oid])) is None:
            return False
        self._payload.fetch(url, entry)
        return True
