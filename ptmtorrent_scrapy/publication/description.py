"""Description of a package: its crawls, its size, its licences."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ptmtorrent_scrapy.catalog import CollectedHub, is_time
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.publication.options import HubSource, PackageOptions
from ptmtorrent_scrapy.publication.payload import Totals

_MOST_CRAWLS = 100  # the last ones, which are described one by one
_EPOCH = "1970-01-01"


@dataclass(kw_only=True)
class HubDescription:
    """The part of a package from one hub."""

    name: str
    title: str
    url: str
    crawls: list[dict[str, Any]] = field(default_factory=list)  # lines of crawls.jsonl, earliest first
    clones: int = 0
    excluded: dict[str, int] = field(default_factory=dict)  # repositories with a clone, by the reason
    private: int = 0  # models that the package does not mention

    @property
    def counts(self) -> dict[str, Any]:
        """Return the counts of the last crawl that wrote records, or else of the last one."""
        known = [line["counts"] for line in self.crawls if isinstance(line.get("counts"), dict)]
        with_records = [counts for counts in known if counts.get("records") is not None]
        counts: dict[str, Any] = (with_records or known or [{}])[-1]
        return counts


@dataclass(kw_only=True)
class Description:
    """The description of a package."""

    options: PackageOptions
    version: str  # of this software
    hubs: list[HubDescription]
    totals: Totals
    licenses: list[tuple[str, int]] = field(default_factory=list)  # (licence, packaged repositories), most first

    @property
    def started(self) -> str:
        """Return the day of the first crawl, as YYYY-MM-DD."""
        return min(self._days(), default=_EPOCH)

    @property
    def ended(self) -> str:
        """Return the day of the last crawl, as YYYY-MM-DD: the date of the package, whatever the clock says."""
        return max(self._days(), default=_EPOCH)

    @property
    def text(self) -> str:
        """Return one paragraph for catalogues."""
        names = _listed([hub.title for hub in self.hubs])
        when = f"on {self.ended}" if self.started == self.ended else f"between {self.started} and {self.ended}"
        clones = counted(sum(hub.clones for hub in self.hubs), "cloned repository", "cloned repositories")
        weights = ""
        if self.totals.fetched_files:
            listed = counted(self.totals.fetched_files, "large file is", "large files are")
            weights = f" {listed} listed with URL, size and SHA-256 in fetch.txt."
        return (
            f"Metadata, PTMTorrent records and {clones} of pre-trained models, collected from"
            f" {names} {when} with PTMTorrent for Scrapy {self.version}.{weights}"
            " Each repository has its own licence, see licenses.csv."
        )

    def _days(self) -> Iterable[str]:
        times = (line.get(name) for hub in self.hubs for line in hub.crawls for name in ("started", "ended"))
        return (time[:10] for time in times if is_time(time))


def _listed(names: list[str]) -> str:
    """Return names as an enumeration in a sentence.

    >>> _listed(["Hugging Face", "ModelZoo", "PyTorch Hub"]), _listed(["ModelZoo"])
    ('Hugging Face, ModelZoo and PyTorch Hub', 'ModelZoo')
    """
    *first, last = names or ["no hub"]
    return f"{', '.join(first)} and {last}" if first else last


def described_hub(hub: CollectedHub, source: HubSource, database: sqlite3.Connection) -> HubDescription:
    """Return the description of a hub's part of the package."""
    rows = database.execute(
        "SELECT excluded, count(*) FROM repository WHERE hub = ? GROUP BY 1 ORDER BY 1", (hub.name,)
    )
    counts = dict(rows.fetchall())
    private = database.execute("SELECT count(*) FROM private WHERE hub = ?", (hub.name,)).fetchone()[0]
    return HubDescription(
        name=hub.name,
        title=source.title,
        url=source.url,
        crawls=list(hub.crawls())[-_MOST_CRAWLS:],
        clones=counts.pop("", 0),
        excluded=counts,
        private=private,
    )


def license_counts(database: sqlite3.Connection) -> list[tuple[str, int]]:
    """Return (licence, packaged repositories), most first; a repository without a licence counts as `not stated`."""
    rows = database.execute("""
        SELECT coalesce(nullif(replace(spdx, ' ', ', '), ''), nullif(license.name, ''), 'not stated') AS stated,
               count(*) AS repositories
        FROM repository LEFT JOIN license USING (hub, folder) WHERE excluded = '' GROUP BY stated
        ORDER BY repositories DESC, stated
    """)
    return rows.fetchall()
