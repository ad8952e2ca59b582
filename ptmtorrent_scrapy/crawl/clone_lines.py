"""Lines of repositories.jsonl in the database of a crawl, by the folder of their clone."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

_MOVED = """
SELECT DISTINCT result.url, model.url, model.key, model.folder
FROM result JOIN model ON model.key = substr(result.path, 7)
WHERE result.path LIKE 'repos/%' AND model.folder = model.key AND model.url != result.url
UNION
SELECT DISTINCT result.url, model.url, model.key, model.folder
FROM model CROSS JOIN result ON result.path = 'repos/' || model.folder
WHERE model.folder != model.key AND model.url != result.url
"""
_NOT_CHOSEN = """
SELECT url, path FROM result
WHERE path IS NOT NULL AND NOT EXISTS (SELECT 1 FROM repository WHERE repository.url = result.url AND chosen)
"""


@dataclass(frozen=True, kw_only=True)
class MovedLine:
    """A line whose clone is in the folder of a listed repository that has another URL."""

    old_url: str
    url: str
    key: str  # of a model of the listed repository
    folder: str


class CloneLines:
    """The lines of repositories.jsonl, by folder."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("CREATE INDEX IF NOT EXISTS result_path ON result(path)")

    def moved(self) -> list[MovedLine]:
        """Return the lines whose folder belongs to another URL in the listing."""
        rows = self._database.execute(_MOVED).fetchall()
        return [MovedLine(old_url=old, url=url, key=key, folder=folder) for old, url, key, folder in rows]

    def move(self, old_url: str, url: str) -> None:
        """Change the URL of a line and of the checks of its server."""
        row = self._database.execute("SELECT path, line FROM result WHERE url = ?", (old_url,)).fetchone()
        if row is None:
            return
        line = json.dumps({**json.loads(row[1]), "url": url}).encode()
        self._database.execute("DELETE FROM result WHERE url IN (?, ?)", (old_url, url))
        self._database.execute("INSERT INTO result VALUES (?, ?, ?)", (url, row[0], line))
        self._database.execute("UPDATE OR REPLACE commit_check SET url = ? WHERE url = ?", (url, old_url))

    def url_at(self, path: str) -> str | None:
        """Return the URL of the line whose clone is at a path below the hub's folder."""
        row = self._database.execute("SELECT url FROM result WHERE path = ?", (path,)).fetchone()
        return row[0] if row else None

    def listed_in(self, folder: str) -> str | None:
        """Return the URL of the listed repository for a folder below repos/."""
        for query in (
            "SELECT url FROM model WHERE key = ? AND folder = key",
            "SELECT url FROM model WHERE folder = ? AND url IS NOT NULL",
        ):
            if row := self._database.execute(query, (folder,)).fetchone():
                return str(row[0])
        return None

    def not_chosen(self) -> Iterator[tuple[str, str]]:
        """Yield (URL, path) of the clones that this crawl does not process."""
        yield from self._database.execute(_NOT_CHOSEN).fetchall()

    def drop(self, url: str) -> None:
        """Remove a line."""
        self._database.execute("DELETE FROM result WHERE url = ?", (url,))
