"""The tag files of a bag, which describe it for people and archives."""

import sqlite3
from pathlib import Path

from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.publication import bag, citation, datasheet, licenses
from ptmtorrent_scrapy.publication.description import Description
from ptmtorrent_scrapy.publication.files import digest
from ptmtorrent_scrapy.publication.options import UNKNOWN

LICENSES = "licenses.csv"


def write_tags(description: Description, folder: Path, database: sqlite3.Connection) -> None:
    """Write the tag files, and last the manifest that names them. Raise `OSError`."""
    if not description.totals.fetched_files:
        (folder / bag.FETCH).unlink()
    texts = {
        "bagit.txt": bag.DECLARATION,
        "bag-info.txt": _info(description),
        "CITATION.cff": citation.citation(description),
        "datacite.json": citation.datacite(description),
        ".zenodo.json": citation.zenodo(description),
        "DATASHEET.md": datasheet.datasheet(description),
        "README.md": datasheet.readme(description),
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    with (folder / LICENSES).open("wb") as file:
        file.writelines(licenses.rows(database))
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != bag.TAG_MANIFEST)
    lines = [bag.manifest_line(digest(folder / name), name) for name in names]
    (folder / bag.TAG_MANIFEST).write_bytes(b"".join(lines))


def _info(description: Description) -> bytes:
    """Return the text of bag-info.txt."""
    totals = description.totals
    size, files = totals.size + totals.fetched_bytes, totals.files + totals.fetched_files
    contacts = [("Contact-Name", creator.name) for creator in description.options.creators]
    publisher = [] if description.options.publisher == UNKNOWN else [description.options.publisher]
    labels = [
        *(("Source-Organization", name) for name in publisher),
        ("Bag-Software-Agent", f"PTMTorrent for Scrapy {description.version}"),
        ("Bagging-Date", description.ended),
        *contacts,
        ("External-Description", description.text),
        ("Bag-Size", human(size)),
        ("Payload-Oxum", f"{size}.{files}"),
    ]
    return bag.info_text(labels)
