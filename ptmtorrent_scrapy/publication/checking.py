"""Check a package: every file of the manifests exists with its SHA-256, and there are no other files."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ptmtorrent_scrapy.publication import bag
from ptmtorrent_scrapy.publication.bag import CannotStart
from ptmtorrent_scrapy.publication.files import digest
from ptmtorrent_scrapy.publication.parallel import ordered

_AHEAD = 8  # files per worker
_MISSING = "is missing"


@dataclass(kw_only=True)
class Checked:
    """The result of a check."""

    files: int = 0
    faults: int = 0
    unfetched: int = 0  # files of fetch.txt that are not downloaded yet


class Checking:
    """Checks one package; memory does not grow with it."""

    def __init__(self, package: Path, *, workers: int) -> None:
        self._package = package
        self._workers = workers

    def run(self, report: Callable[[str], object], advance: Callable[[str, int, int], object]) -> Checked:
        """Report each problem in one line. Raise `CannotStart` if it is not a bag, `BagError`, `OSError`."""
        check_is_bag(self._package)
        found = Checked()
        with closing(_Paths()) as fetched:
            fetched.add(self._fetched())
            missing = 0
            for path, wrong in self._checked(advance):
                found.files += 1
                missing += wrong == _MISSING
                if wrong == _MISSING and path in fetched:
                    found.unfetched += 1
                elif wrong:
                    found.faults += 1
                    report(f"{path}: {wrong}")
        for path in self._unnamed(found.files - missing):
            found.faults += 1
            report(f"{path}: the manifest does not name it")
        return found

    def _checked(self, advance: Callable[[str, int, int], object]) -> Iterator[tuple[str, str | None]]:
        """Yield (path, problem or None) of all files in the manifests."""
        total = sum(1 for _ in self._named(bag.MANIFEST)) + sum(1 for _ in self._named(bag.TAG_MANIFEST))
        with ThreadPoolExecutor(self._workers) as pool:
            tasks = chain(self._named(bag.MANIFEST), self._named(bag.TAG_MANIFEST))
            results = ordered(pool, self._wrong, tasks, self._workers * _AHEAD)
            for done, result in enumerate(results, 1):
                advance("files", done, total)
                yield result

    def _named(self, manifest: str) -> Iterator[tuple[str, str]]:
        path = self._package / manifest
        yield from bag.read_manifest(path) if path.is_file() else ()

    def _fetched(self) -> Iterator[str]:
        path = self._package / bag.FETCH
        yield from (fetch.path for fetch in bag.read_fetch(path)) if path.is_file() else ()

    def _wrong(self, task: tuple[str, str]) -> tuple[str, str | None]:
        """Return (path, problem or None) of a file."""
        sha256, path = task
        try:
            found = digest(self._package / path)
        except FileNotFoundError:
            return path, _MISSING
        except OSError as error:
            return path, f"cannot be read: {error.strerror}"
        return path, None if found == sha256 else f"has the SHA-256 {found}, not {sha256}"

    def _unnamed(self, there: int) -> Iterator[str]:
        """Yield the files of the payload that are in no manifest; `there` are the existing files that are."""
        tags = sum(1 for _, path in self._named(bag.TAG_MANIFEST) if (self._package / path).is_file())
        if sum(1 for _ in self._payload()) == there - tags:
            return
        with closing(_Paths()) as named:
            named.add(path for _, path in self._named(bag.MANIFEST))
            yield from (ascii(path)[1:-1] for path in self._payload() if path not in named)

    def _payload(self) -> Iterator[str]:
        for folder, _, names in os.walk(self._package / "data"):
            yield from (Path(folder, name).relative_to(self._package).as_posix() for name in names)


class _Paths:
    """A set of paths in a temporary database, which SQLite keeps on the disk and removes."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE path (path BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, paths: Iterable[str]) -> None:
        """Add paths."""
        rows = ((os.fsencode(path),) for path in paths)
        self._database.executemany("INSERT OR IGNORE INTO path VALUES (?)", rows)

    def __contains__(self, path: str) -> bool:
        found = self._database.execute("SELECT 1 FROM path WHERE path = ?", (os.fsencode(path),)).fetchone()
        return found is not None

    def close(self) -> None:
        """Remove the database."""
        self._database.close()


def check_is_bag(package: Path) -> None:
    """Raise `CannotStart` if a folder is not a bag that can be read."""
    try:
        version = bag.read_info(package / "bagit.txt").get("BagIt-Version", "")
    except OSError:
        raise CannotStart(f"{package} is not a package: it has no bagit.txt") from None
    if not version.startswith(("0.97", "1.")) or not (package / bag.MANIFEST).is_file():
        raise CannotStart(f"{package} is BagIt {version[:10]!a} without {bag.MANIFEST}, or of another version than 1.0")
