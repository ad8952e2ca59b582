"""The payload of a bag: every file placed, read once for its SHA-256, and named in the manifest."""

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import IO

from ptmtorrent_scrapy.publication.bag import DamagedFile, Fetch, is_baggable, manifest_line
from ptmtorrent_scrapy.publication.files import Entry, digest, place
from ptmtorrent_scrapy.publication.parallel import ordered
from ptmtorrent_scrapy.publication.workspace import Workspace


@dataclass(kw_only=True)
class Totals:
    """The content of a package."""

    files: int = 0  # of the payload, without those in fetch.txt
    size: int = 0  # bytes
    large_files: int = 0
    fetched_files: int = 0  # in fetch.txt
    fetched_bytes: int = 0
    unnamed: int = 0  # files whose names a manifest cannot contain
    unreadable: int = 0  # files of a commit that are not in the working tree
    hubs: dict[str, int] = field(default_factory=dict)  # clones by hub


class Payload:
    """Writes the files of a bag and the manifest."""

    def __init__(
        self, work: Workspace, manifest: IO[bytes], fetch: IO[bytes], *, pool: Executor, ahead: int, strict: bool
    ) -> None:
        self.totals = Totals()
        self.may_link = True
        self._work = work
        self._manifest = manifest
        self._fetch = fetch
        self._pool = pool
        self._ahead = ahead
        self._strict = strict  # whether a damaged large file ends the packaging

    def add(self, entries: Iterable[Entry]) -> None:
        """Place files. Raise `BagError`, `OSError`."""
        named = (entry for entry in entries if self._is_named(entry))
        known = ((entry, self._work.known_digest(entry)) for entry in named)
        for entry, found in ordered(self._pool, self._placed, known, self._ahead):
            if entry.oid and found != entry.oid and self._strict:
                raise DamagedFile(entry.content, found)
            self._work.remember(entry, found)
            self._count(entry, found)

    def name(self, sha256: str, path: str, size: int) -> None:
        """Add a placed file to the manifest."""
        self._manifest.write(manifest_line(sha256, path))
        self.totals.files += 1
        self.totals.size += size

    def fetch(self, url: str, entry: Entry) -> None:
        """Add a large file to fetch.txt."""
        assert entry.oid is not None
        self._manifest.write(manifest_line(entry.oid, entry.path))
        self._fetch.write(Fetch(url, entry.size, entry.path).line())
        self.totals.fetched_files += 1
        self.totals.fetched_bytes += entry.size

    def _count(self, entry: Entry, found: str) -> None:
        self.name(found, entry.path, entry.size)
        if entry.oid:
            self.totals.large_files += 1

    def _is_named(self, entry: Entry) -> bool:
        if is_baggable(entry.path):
            return True
        self.totals.unnamed += 1
        return False

    def _placed(self, task: tuple[Entry, str | None]) -> tuple[Entry, str]:
        entry, known = task
        target = self._work.bag / entry.path
        place(entry, target, may_link=self.may_link)
        return entry, known or digest(target)
