"""`licenses.csv`: the licences of the packaged and of the excluded repositories, for the publisher."""

import csv
import io
import sqlite3
from collections.abc import Iterator

HEADER = ("hub", "repository", "license", "spdx", "license_url", "redistribution", "access", "packaged", "url")
# SPDX identifiers and names of hubs for licences that allow redistribution, some with conditions.
_FREE = frozenset(
    (
        "afl-3.0",
        "agpl-3.0",
        "agpl-3.0-only",
        "agpl-3.0-or-later",
        "apache-2.0",
        "artistic-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "bsl-1.0",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "cdla-sharing-1.0",
        "cecill-2.1",
        "ecl-2.0",
        "epl-1.0",
        "epl-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "gfdl-1.3-only",
        "gfdl-1.3-or-later",
        "gpl-2.0",
        "gpl-2.0-only",
        "gpl-2.0-or-later",
        "gpl-3.0",
        "gpl-3.0-only",
        "gpl-3.0-or-later",
        "isc",
        "lgpl-2.1",
        "lgpl-2.1-only",
        "lgpl-2.1-or-later",
        "lgpl-3.0",
        "lgpl-3.0-only",
        "lgpl-3.0-or-later",
        "lppl-1.3c",
        "mit",
        "mit-0",
        "mpl-2.0",
        "ms-pl",
        "ncsa",
        "odbl-1.0",
        "odc-by-1.0",
        "ofl-1.1",
        "osl-3.0",
        "pddl-1.0",
        "postgresql",
        "unlicense",
        "wtfpl",
        "zlib",
    )
)
_CONDITIONS = ("openrail", "-nc", "-nd", "llama", "gemma", "rail", "research", "non-commercial")


def redistribution(name: str, spdx: str) -> str:
    """Return a hint on redistribution: `permitted`, `conditions`, `unclear` or `not stated`.

    >>> redistribution("apache-2.0", ""), redistribution("cc-by-nc-4.0", ""), redistribution("", "")
    ('permitted', 'conditions', 'not stated')
    """
    stated = (spdx or name).lower().replace(",", " ").split()
    if not stated:
        return "not stated"
    if all(each in _FREE for each in stated):
        return "permitted"
    return "conditions" if any(word in each for each in stated for word in _CONDITIONS) else "unclear"


def rows(database: sqlite3.Connection) -> Iterator[bytes]:
    """Yield the lines of licenses.csv, by hub and repository; a repository with several licences has several lines."""
    yield _line(HEADER)
    query = """
        SELECT hub, folder, license.name, spdx, license.url, access, excluded, repository.url
        FROM repository LEFT JOIN license USING (hub, folder) WHERE access != 'private' OR excluded = ''
        ORDER BY hub, folder, license.name, spdx
    """
    for hub, folder, name, spdx, url, access, excluded, address in database.cursor().execute(query):
        hint = redistribution(name or "", spdx or "")
        packaged = f"no: {excluded}" if excluded else "yes"
        yield _line((hub, folder, name or "", spdx or "", url or "", hint, access, packaged, address))


def _line(values: tuple[str, ...]) -> bytes:
    """Return a line of CSV (RFC 4180) in which spreadsheets find no formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_harmless(value) for value in values])
    return text.getvalue().encode("utf-8", "replace")


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
