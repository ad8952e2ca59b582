"""Time at which the content of each stored object was last verified.

One line per check, `OID SIZE CTIME TIME MTIME`, in 256 files by the first two digits of the id. The last line of an
object is valid while its size and its ctime (nanoseconds) are those of the line: any write to the file changes the
ctime. A wrong file whose mtime (nanoseconds) is that of the line was changed by the disk, not by a user. A
lost or broken line causes one more check; earlier versions wrote lines without the mtime.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ptmtorrent_scrapy.storage.atomic import write

_LINE = re.compile(rb"^([0-9a-f]{64}) (\d{1,20}) (\d{1,20}) (\d{1,12})(?: (\d{1,20}))?\n", re.MULTILINE)
_SHORTENED = 1 << 20  # bytes of a file; superseded lines of larger files are removed


@dataclass(frozen=True, slots=True)
class _Check:
    size: int
    ctime: int  # nanoseconds
    time: int  # seconds
    mtime: int | None  # nanoseconds

    def line(self, oid: str) -> str:
        """Return the line of an object."""
        mtime = "" if self.mtime is None else f" {self.mtime}"
        return f"{oid} {self.size} {self.ctime} {self.time}{mtime}\n"


class Checks:
    """The checks of a store's objects."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, oid: str, status: os.stat_result) -> None:
        """Record that the content of an object with this file status is right."""
        check = _Check(status.st_size, status.st_ctime_ns, int(time.time()), status.st_mtime_ns)
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path(oid), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, check.line(oid).encode())
        finally:
            os.close(descriptor)

    def is_unwritten(self, oid: str, status: os.stat_result) -> bool:
        """Return whether nobody has written to an object since it was checked: its mtime is the same."""
        check = self._last(self._read(oid[:2])).get(oid)
        return check is not None and check.mtime == status.st_mtime_ns

    def hold(self, objects: Iterable[tuple[str, os.stat_result]]) -> set[str]:
        """Return the ids of the objects that were checked since they were last written."""
        by_file: dict[str, list[tuple[str, os.stat_result]]] = {}
        for oid, status in objects:
            by_file.setdefault(oid[:2], []).append((oid, status))
        held = set()
        for name, each in by_file.items():
            last = self._last(self._read(name))
            held |= {oid for oid, status in each if self._is_of(last.get(oid), status)}
        return held

    def ages(self, name: str) -> dict[str, int]:
        """Return the times of the last checks, in seconds of the epoch, of objects whose ids begin with `name`."""
        return {oid: check.time for oid, check in self._last(self._read(name)).items()}

    def shorten(self) -> None:
        """Remove superseded lines, if there are many."""
        for path in self._folder.glob("??"):
            if path.stat().st_size > _SHORTENED:
                last = self._last(path.read_bytes())
                write(path, "".join(each.line(oid) for oid, each in last.items()).encode())

    def _path(self, oid: str) -> Path:
        return self._folder / oid[:2]

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return b""

    def _last(self, content: bytes) -> dict[str, _Check]:
        found = _LINE.findall(content)
        return {
            oid.decode(): _Check(int(size), int(ctime), int(when), int(mtime) if mtime else None)
            for oid, size, ctime, when, mtime in found
        }

    def _is_of(self, check: _Check | None, status: os.stat_result) -> bool:
        return check is not None and (check.size, check.ctime) == (status.st_size, status.st_ctime_ns)


def digest(path: Path | bytes) -> str:
    """Return the SHA-256 of a file, hexadecimal; no link is followed. Raise `OSError`."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
