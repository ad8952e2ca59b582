"""Clones whose repository may have been renamed, in the database of a crawl."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from ptmtorrent_scrapy.formats.repository_urls import comparable

# Clones whose repository no model names, and chosen repositories without a clone.
_UNLISTED = """
CREATE TEMP TABLE unlisted AS
SELECT doubtful.url, path, hub_id, json_extract(CAST(line AS TEXT), '$.commit') AS hub_commit
FROM result AS doubtful LEFT JOIN commit_check ON commit_check.url = doubtful.url
WHERE path IS NOT NULL AND doubtful.url NOT IN (SELECT url FROM repository)
"""
_STILL_LISTED = "DELETE FROM unlisted WHERE url IN (SELECT url FROM model WHERE url IN (SELECT url FROM unlisted))"
_UNCLONED = """
CREATE TEMP TABLE uncloned AS SELECT url, hub_id, hub_commit FROM repository
WHERE chosen AND url NOT IN (SELECT url FROM result WHERE path IS NOT NULL)
"""
_RENAMED = """
SELECT unlisted.url, unlisted.path, unlisted.hub_id, uncloned.url
FROM unlisted JOIN uncloned ON uncloned.hub_id = unlisted.hub_id
UNION ALL
SELECT unlisted.url, unlisted.path, unlisted.hub_id, uncloned.url
FROM unlisted JOIN uncloned ON uncloned.hub_commit = unlisted.hub_commit
WHERE unlisted.hub_id IS NULL OR uncloned.hub_id IS NULL
"""


@dataclass(frozen=True, kw_only=True)
class UnlistedClone:
    """A clone whose repository is no longer in the listing."""

    url: str
    path: str  # below the hub's folder
    hub_id: str | None


class RenamedClones:
    """Compares the clones that no model names with the chosen repositories that have no clone."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Find them."""
        self._database = database
        for table in ("unlisted", "uncloned"):
            self._database.execute(f"DROP TABLE IF EXISTS {table}")
        self._database.execute(_UNLISTED)
        if self._count("SELECT count(*) FROM unlisted"):
            self._database.execute(_STILL_LISTED)
        self._database.execute(_UNCLONED)
        for column in ("hub_id", "hub_commit"):
            self._database.execute(f"CREATE INDEX temp.uncloned_{column} ON uncloned({column})")

    def renamed(self) -> Iterator[tuple[UnlistedClone, str]]:
        """Yield pairs of an unlisted clone and the URL of a repository without a clone that may be the same.

        They have the same id at the hub, or the same commit if one has no id. A clone may be in several pairs.
        """
        for url, path, hub_id, new in self._database.execute(_RENAMED).fetchall():
            yield UnlistedClone(url=url, path=path, hub_id=hub_id), new

    def vanished(self) -> list[UnlistedClone]:
        """Return the clones that no model names; none if the hub's ids identify all repositories."""
        if not self._count("SELECT count(*) FROM uncloned"):
            return []
        unknown = self._count("SELECT count(*) FROM uncloned WHERE hub_id IS NULL")
        rows = self._database.execute("SELECT url, path, hub_id FROM unlisted WHERE hub_id IS NULL OR ?", (unknown,))
        return [UnlistedClone(url=url, path=path, hub_id=hub_id) for url, path, hub_id in rows]

    def newcomer(self, url: str) -> str | None:
        """Return the URL of a chosen repository without a clone that is at this URL, with or without `.git`."""
        plain = comparable(url)
        spellings = (plain, f"{plain}.git", f"{plain}/")
        row = self._database.execute("SELECT url FROM uncloned WHERE url IN (?, ?, ?)", spellings).fetchone()
        return row[0] if row else None

    def set_previous_path(self, url: str, clone: UnlistedClone) -> None:
        """Note that a repository was renamed, and where its clone is."""
        self._database.execute("UPDATE repository SET previous_path = ? WHERE url = ?", (clone.path, url))

    def _count(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])
