"""Write the report of a tree: `index.html` and `report.json`."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from ptmtorrent_scrapy.report.figures import Advance, tree_figures
from ptmtorrent_scrapy.report.page import report_page
from ptmtorrent_scrapy.storage.atomic import write
from ptmtorrent_scrapy.storage.lock import lock

FOLDER = "report"  # below the data tree
PAGE, FIGURES = "index.html", "report.json"


def write_report(root: Path, folder: Path, names: Sequence[str] = (), advance: Advance = lambda *_: None) -> Path:
    """Write both files into a folder; return the page's path. Raise `CatalogError`, `LockHeld`, `OSError`."""
    figures = tree_figures(root, names, advance)
    with lock(folder / f".{FOLDER}~lock", note="another report"):
        write(folder / FIGURES, orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        write(folder / PAGE, report_page(figures).encode())
    return folder / PAGE
