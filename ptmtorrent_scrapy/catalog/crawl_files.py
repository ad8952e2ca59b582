"""The open files of a hub: records, rejections and metadata."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ptmtorrent_scrapy.catalog.faults import Faults, below
from ptmtorrent_scrapy.storage.atomic import beside
from ptmtorrent_scrapy.storage.tree import DataTree, is_work

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class CrawlFiles:
    """Files that are opened together, since a crawl replaces them one after the other.

    Files that are open stay readable when they are replaced.
    """

    def __init__(self, tree: DataTree, faults: Faults) -> None:
        self._tree = tree
        self._faults = faults
        self._folder = tree.folder / "json" / "metadata"
        self._files: dict[Path, IO[bytes]] = {}

    def __contains__(self, path: Path) -> bool:
        return path in self._files

    @property
    def metadata(self) -> list[str]:
        """Return the names of the files below json/metadata/ that are arrays of objects."""
        return sorted(path.name for path in self._files if path.parent == self._folder)

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(map(self.size_of, self._files))

    def size_of(self, path: Path) -> int:
        """Return the bytes of a file; 0 if it does not exist."""
        return os.fstat(self.descriptor(path)).st_size if path in self._files else 0

    def written(self, path: Path) -> int:
        """Return when an open file was written, in nanoseconds since 1970."""
        return os.fstat(self.descriptor(path)).st_mtime_ns

    def last_written(self) -> float | None:
        """Return when the records, else the metadata, were written, in seconds since 1970; None if there are none."""
        paths = [self._tree.records] if self._tree.records in self._files else list(self._files)
        return max((os.fstat(self.descriptor(path)).st_mtime for path in paths), default=None)

    def descriptor(self, path: Path) -> int:
        """Return the file descriptor of an open file."""
        return self._files[path].fileno()

    @contextlib.contextmanager
    def reader(self, path: Path) -> Iterator[IO[bytes]]:
        """Return a reader that starts at the beginning of an open file, independent of other readers."""
        with io.BufferedReader(_Reading(self.descriptor(path)), 1 << 18) as reader:
            yield reader

    def open(self) -> None:
        """Open the files that exist now, and close those that were open."""
        self.close()
        entries = self._folder.iterdir() if self._folder.is_dir() else ()
        metadata = sorted(path for path in entries if path.suffix == ".json")
        for path in [*metadata, self._tree.records, self._tree.rejected]:
            with contextlib.suppress(FileNotFoundError):
                if not is_work(path.name) and path.is_file():
                    self._files[path] = path.open("rb", buffering=0)
                    if path in metadata:
                        self._keep_array(path)

    def close(self) -> None:
        while self._files:
            self._files.popitem()[1].close()

    def are_settled(self) -> bool:
        """Return whether no crawl is replacing the files, so that all are from the same crawl.

        The names are compared last: a crawl that renames a file after the first question has renamed one that is open.
        """
        if self._tree.is_claimed() and self._is_between():
            return False
        for path in self._files:
            try:
                if not os.path.samestat(path.stat(), os.fstat(self.descriptor(path))):
                    return False
            except FileNotFoundError:
                return False
        return True

    def _keep_array(self, path: Path) -> None:
        """Close a metadata file that is not an array: it is damaged, or an answer as received, such as an index."""
        begin = self._files[path].read(64).lstrip()
        if not begin.startswith(b"["):
            self._files.pop(path).close()
            if not begin.startswith(b"{"):
                self._faults.add(below(path, self._tree.folder), "is not JSON")

    def _is_between(self) -> bool:
        records, rejected = self._tree.records, self._tree.rejected
        if beside(rejected).exists() and not beside(records).exists():
            return True
        if records not in self._files or not beside(records).exists():
            return False
        return max(self.written(path) for path in self._files if path.suffix == ".json") > self.written(records)


class _Reading(io.RawIOBase):
    """A reader of an open file with its own position."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + (self._position if whence == os.SEEK_CUR else 0)
        return self._position
