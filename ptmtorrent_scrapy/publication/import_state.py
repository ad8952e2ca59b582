"""The progress of an import, from which the same command continues after a kill or a full disk."""

import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

import orjson

from ptmtorrent_scrapy.publication import bag
from ptmtorrent_scrapy.publication.files import digest
from ptmtorrent_scrapy.storage.atomic import write

_SECONDS = 10.0  # seconds between two writes of the state


@dataclass(kw_only=True)
class ImportState:
    """The number of files, volumes and clones of a package that are done, in the order of the package."""

    package: str  # SHA-256 of its manifest
    files: int = 0  # lines of the manifest
    placed: int = 0  # of these, files that a tree takes
    volumes: int = 0
    clones: int = 0
    missing: int = 0  # large files of these clones
    is_publishing: bool = False  # some hubs may already have their final names

    @classmethod
    def of(cls, work: Path, package: Path) -> Self:
        """Return the state of an interrupted import of the same package, else a new one."""
        sha256 = digest(package / bag.MANIFEST)
        try:
            saved = orjson.loads(_file(work).read_bytes())
            state = cls(**{field.name: saved[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError):
            return cls(package=sha256)
        return state if state.package == sha256 else cls(package=sha256)

    @property
    def is_new(self) -> bool:
        """Return whether nothing is done yet."""
        return not (self.files or self.volumes or self.clones or self.is_publishing)


class ImportLog:
    """Writes the state from time to time, after syncing the finished work to the disk."""

    def __init__(self, work: Path, state: ImportState) -> None:
        self._work = work
        self._state = state
        self._written = time.monotonic()

    def note(self, *, now: bool = False) -> None:
        """Write the state if the last time was long ago, or `now` is true."""
        if now or time.monotonic() - self._written > _SECONDS:
            if not self._state.is_new:
                os.sync()
            write(_file(self._work), orjson.dumps(asdict(self._state)))
            self._written = time.monotonic()


def _file(work: Path) -> Path:
    return work / "state.json"
