"""`scrapy import PACKAGE`: turn a package of `scrapy package` into a data tree again."""

import argparse
import sys
from pathlib import Path

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from ptmtorrent_scrapy.cloning.settings import repository_settings
from ptmtorrent_scrapy.commands._common import ReadsTree
from ptmtorrent_scrapy.commands._package import jobs
from ptmtorrent_scrapy.commands._progress import bars
from ptmtorrent_scrapy.commands.package import reason
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.formats.counted import counted, repositories
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.publication.bag import BagError, CannotStart
from ptmtorrent_scrapy.publication.importing import Imported, Importing


class Command(ReadsTree, ScrapyCommand):
    """Exit status 0: done; 1: something is wrong with the package, or it did not finish; 2: it could not start."""

    def syntax(self) -> str:
        return "[options] <package>"

    def short_desc(self) -> str:
        return "Make a data tree from a package"

    def long_desc(self) -> str:
        return "Checks each file of a package made by `scrapy package`, and writes its hubs below DATA_DIR."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-j", "--jobs", metavar="N", help="files or volumes at a time (default: one per processor)")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError
        assert self.settings is not None
        root = Path(self.settings["DATA_DIR"])
        try:
            done = _import(Path(args[0]), root, repository_settings(self.settings), jobs(opts))
        except (InvalidOption, CannotStart) as error:
            show(f"scrapy import: {error}", file=sys.stderr)
            self.exitcode = 2
        except (BagError, GitError, OSError) as error:
            show(f"scrapy import: {reason(error) if isinstance(error, OSError) else error}", file=sys.stderr)
            self.exitcode = 1
        else:
            _print(done, root)
        finally:
            process.close_watchdog()


def _import(package: Path, root: Path, request: CloneRequest, workers: int) -> Imported:
    """Make a tree from a package. Raise `CannotStart`, `BagError`, `GitError`, `OSError`."""
    with bars() as advance:
        importing = Importing(
            package,
            root,
            git=lambda hub: command(request),
            workers=workers,
            min_free=request.min_free,
            advance=advance,
        )
        return importing.run()


def _print(done: Imported, root: Path) -> None:
    """Print what was imported."""
    show(f"{root}: {', '.join(done.hubs)}: {repositories(done.clones)}, {counted(done.files, 'file')}")
    if done.missing:
        missing = counted(done.missing, "large file is", "large files are")
        show(f"{missing} not in the package; repositories are partial until the next crawl")
    show("scrapy verify checks the tree again")
