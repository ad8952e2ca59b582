"""Download the large files of `fetch.txt`, and reject those that do not match the manifest."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ptmtorrent_scrapy.publication.bag import FETCH, MANIFEST, BagError, Fetch, read_fetch, read_manifest
from ptmtorrent_scrapy.publication.download import Downloader
from ptmtorrent_scrapy.publication.files import digest
from ptmtorrent_scrapy.publication.parallel import ordered
from ptmtorrent_scrapy.storage.fsync import rename, sync_paths

_NAMED = re.compile(r"data/[^/]+/lfs/objects/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")
_CHUNK = 1 << 20


class Completing:
    """Downloads the missing files of a package; an interrupted download continues."""

    def __init__(self, package: Path, downloader: Downloader, *, workers: int) -> None:
        self._package = package
        self._downloader = downloader
        self._workers = workers

    def run(self, report: Callable[[str], object], advance: Callable[[str, int, int], object]) -> int:
        """Download the missing files; return how many could not be downloaded. Raise `BagError`, `OSError`."""
        others = self._other_digests()
        total = sum(1 for _ in self._missing())
        failed = 0
        with ThreadPoolExecutor(self._workers) as pool:
            tasks = ((fetch, _digest_in(fetch.path) or others[fetch.path]) for fetch in self._missing())
            for done, reason in enumerate(ordered(pool, self._fetch, tasks, self._workers * 2), 1):
                if reason:
                    failed += 1
                    report(reason)
                advance("large files", done, total)
        return failed

    def _missing(self) -> Iterator[Fetch]:
        path = self._package / FETCH
        for fetch in read_fetch(path) if path.is_file() else ():
            file = self._package / fetch.path
            if not fetch.path.startswith("data/"):
                raise BagError(f"{path} names a file that is not below data/: {fetch.path!a}")
            if not file.is_file() or file.stat().st_size != fetch.size:
                yield fetch

    def _other_digests(self) -> dict[str, str]:
        """Return the SHA-256 of the missing files whose name it is not; large files are named by theirs."""
        paths = {fetch.path for fetch in self._missing() if _digest_in(fetch.path) is None}
        found: dict[str, str] = {}
        if paths:
            found = {path: sha256 for sha256, path in read_manifest(self._package / MANIFEST) if path in paths}
        if unknown := sorted(paths - found.keys()):
            raise BagError(f"{self._package / MANIFEST} does not name {unknown[0]}, which is to be fetched")
        return found

    def _fetch(self, task: tuple[Fetch, str]) -> str | None:
        """Download a file; return why it could not be downloaded."""
        fetch, sha256 = task
        target = self._package / fetch.path
        part = target.with_name(f".{target.name}~part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._download(fetch, part)
        except (BagError, OSError) as error:
            return str(error)
        if part.stat().st_size != fetch.size or digest(part) != sha256:
            part.unlink()
            return f"{fetch.url}: is not the file that the package lists; the hub may have changed it"
        part.chmod(0o444)
        sync_paths([part])
        rename(part, target)
        return None

    def _download(self, fetch: Fetch, part: Path) -> None:
        """Download the rest of a file. Raise `BagError`, `OSError`."""
        started = part.stat().st_size if part.is_file() else 0
        if started >= fetch.size:
            started = 0
        with self._downloader.open(fetch.url, first=started) as answer, part.open("ab" if started else "wb") as file:
            left = fetch.size - started
            while left and (piece := answer.read(min(left, _CHUNK))):
                file.write(piece)
                left -= len(piece)


def _digest_in(path: str) -> str | None:
    named = _NAMED.fullmatch(path)
    return named[1] if named else None
