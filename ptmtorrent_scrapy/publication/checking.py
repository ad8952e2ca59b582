"""Checks a package: every file is there, is what the manifests say, and no other file is."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ptmtorrent_scrapy.publication import bag
from ptmtorrent_scrapy.publication.bag import CannotStart
from ptmtorrent_scrapy.publication.files import digest
from ptmtorrent_scrapy.publication.parallel import ordered

_AHEAD = 8  # files per worker


@dataclass(kw_only=True)
class Checked:
    """What a check has found."""

    files: int = 0
    faults: int = 0
    unfetched: int = 0  # files of fetch.txt that are not there yet


class Checking:
    """Checks one package; memory does not grow with it but by 8 bytes a file."""

    def __init__(self, package: Path, *, workers: int) -> None:
        self._package = package
        self._workers = workers

    def run(self, report: Callable[[str], object], advance: Callable[[str, int, int], object]) -> Checked:
        """Report what is wrong, one line each. Raises `CannotStart` if it is not a bag, `BagError`, `OSError`."""
        check_is_bag(self._package)
        found = Checked()
        fetched = set(self._fetched())
        named: set[int] = set()
        total = sum(1 for path in (bag.MANIFEST, bag.TAG_MANIFEST) for _ in self._named(path))
        with ThreadPoolExecutor(self._workers) as pool:
            tasks = (each for path in (bag.MANIFEST, bag.TAG_MANIFEST) for each in self._named(path))
            for path, wrong in ordered(pool, self._wrong, tasks, self._workers * _AHEAD):
                named.add(_key(path))
                found.files += 1
                advance("files", found.files, total)
                if wrong == "is missing" and _key(path) in fetched:
                    found.unfetched += 1
                elif wrong:
                    found.faults += 1
                    report(f"{path}: {wrong}")
        for path in self._unnamed(named):
            found.faults += 1
            report(f"{path}: the manifest does not name it")
        return found

    def _named(self, manifest: str) -> Iterator[tuple[str, str]]:
        path = self._package / manifest
        yield from bag.read_manifest(path) if path.is_file() else ()

    def _fetched(self) -> Iterator[int]:
        path = self._package / bag.FETCH
        for fetch in bag.read_fetch(path) if path.is_file() else ():
            yield _key(fetch.path)

    def _wrong(self, task: tuple[str, str]) -> tuple[str, str | None]:
        """Return (path, what is wrong with the file)."""
        sha256, path = task
        try:
            found = digest(self._package / path)
        except FileNotFoundError:
            return path, "is missing"
        except OSError as error:
            return path, f"cannot be read: {error.strerror}"
        return path, None if found == sha256 else f"has the SHA-256 {found}, not {sha256}"

    def _unnamed(self, named: set[int]) -> Iterator[str]:
        """Yield the files of the payload that no manifest names."""
        for folder, _, names in os.walk(self._package / "data"):
            for name in names:
                path = Path(folder, name).relative_to(self._package).as_posix()
                if _key(path) not in named:
                    yield ascii(path)[1:-1]


def check_is_bag(package: Path) -> None:
    """Raise `CannotStart` if a folder is not a bag that can be read."""
    try:
        version = bag.read_info(package / "bagit.txt").get("BagIt-Version", "")
    except OSError:
        raise CannotStart(f"{package} is not a package: it has no bagit.txt") from None
    if not version.startswith(("0.97", "1.")) or not (package / bag.MANIFEST).is_file():
        raise CannotStart(f"{package} is BagIt {version[:10]!a} without {bag.MANIFEST}, or of another version than 1.0")


def _key(path: str) -> int:
    """Return 8 bytes that identify a path."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(path), digest_size=8).digest(), "big")
