"""Options of a package, and the properties of each hub that it needs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command

_ORCID = re.compile(r"\s*\(?(?:https://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])\)?$")
UNKNOWN = ":unav"  # DataCite's word for a value that is not available yet


@dataclass(frozen=True, kw_only=True)
class Creator:
    """A creator of the dataset."""

    name: str  # FAMILY, GIVEN for a person
    orcid: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Creator":
        """Return the creator of a text such as `Doe, Jane (0000-0002-1825-0097)`.

        >>> Creator.parse("Doe, Jane (0000-0002-1825-0097)")
        Creator(name='Doe, Jane', orcid='0000-0002-1825-0097')
        """
        found = _ORCID.search(text)
        name = text[: found.start()] if found else text
        return cls(name=" ".join(name.split()), orcid=found[1] if found else None)

    @property
    def family(self) -> str | None:
        """Return the family name of a person, None for others."""
        family, comma, given = self.name.partition(",")
        return (family.strip() or None) if comma and given.strip() else None

    @property
    def given(self) -> str | None:
        """Return the given name of a person, None for others."""
        return self.name.partition(",")[2].strip() if self.family else None


@dataclass(frozen=True, kw_only=True)
class PackageOptions:
    """The content of a package, and its description by the user."""

    output: Path
    title: str = "Pre-trained models collected from model hubs"
    creators: tuple[Creator, ...] = ()
    publisher: str = UNKNOWN
    license: str | None = None  # SPDX identifier of the compilation, not of the models
    without_weights: bool = False
    volume_size: int | None = None  # bytes
    named: tuple[str, ...] = ()  # gated and private repositories that go in
    licenses: frozenset[str] | None = None  # licences that may be redistributed, in lower case; None for all
    strict: bool = True  # whether a damaged file ends it
    workers: int = 2
    min_free: int = 0  # bytes of the disk that stay free


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """A hub of the tree."""

    name: str
    title: str  # PTMTorrent's name
    url: str
    git: Command
    file_url: Callable[[str, str, str], str | None]  # returns the URL of a file (repository URL, commit, path)
