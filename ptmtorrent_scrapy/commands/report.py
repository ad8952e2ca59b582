"""`scrapy report [HUB ...] [-o PATH]`: write one page about the collected data, and its figures as JSON."""

import argparse
import sys
from pathlib import Path

from scrapy.commands import ScrapyCommand

from ptmtorrent_scrapy.catalog import CatalogError
from ptmtorrent_scrapy.commands._common import ReadsTree, reason
from ptmtorrent_scrapy.commands._progress import bars
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.report.writer import FOLDER, write_report
from ptmtorrent_scrapy.storage.lock import LockHeld


class Command(ReadsTree, ScrapyCommand):
    """Exit status 0: the report was written; 2: it could not be."""

    def short_desc(self) -> str:
        return "Write a page about the collected data"

    def long_desc(self) -> str:
        return "Writes index.html, which needs no network and no script, and report.json with the same figures."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-o", "--output", metavar="PATH", help=f"folder to write to (default: DATA_DIR/{FOLDER})")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        root = Path(self.settings["DATA_DIR"])
        folder = Path(opts.output) if opts.output else root / FOLDER
        try:
            with bars() as advance:
                page = write_report(root, folder, args, advance)
        except LockHeld:
            show(f"scrapy report: another process writes a report to {folder}; run it again later", file=sys.stderr)
            self.exitcode = 2
            return
        except (CatalogError, OSError) as error:
            show(f"scrapy report: {reason(error)}", file=sys.stderr)
            self.exitcode = 2
            return
        show(page)
        show(f"open it in a browser: {page.resolve().as_uri()}")
