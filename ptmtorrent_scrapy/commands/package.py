"""`scrapy package`: package the data tree as a BagIt bag; check, complete and extract such bags."""

import argparse
import contextlib
import sys
from pathlib import Path

from scrapy.commands import ScrapyCommand

from ptmtorrent_scrapy.catalog import CatalogError
from ptmtorrent_scrapy.cloning.settings import repository_settings
from ptmtorrent_scrapy.commands import _package
from ptmtorrent_scrapy.commands._common import ReadsTree, SetupError
from ptmtorrent_scrapy.commands._progress import bars
from ptmtorrent_scrapy.commands._trees import downloader, hub_spiders
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.publication.bag import BagError, CannotStart
from ptmtorrent_scrapy.publication.checking import Checking
from ptmtorrent_scrapy.publication.completing import Completing
from ptmtorrent_scrapy.publication.extraction import LocalVolumes, RemoteVolumes, extract
from ptmtorrent_scrapy.publication.packing import INDEX
from ptmtorrent_scrapy.publication.repositories import UnknownRepository
from ptmtorrent_scrapy.storage.disk_errors import is_full
from ptmtorrent_scrapy.storage.tree import TreeLocked

_FAULTS = (BagError, GitError)
_USAGE = (CannotStart, options.InvalidOption, SetupError, CatalogError, UnknownRepository, TreeLocked)


class Command(ReadsTree, ScrapyCommand):
    """Exit status 0: done; 1: it did not finish, or found something wrong; 2: it could not start."""

    requires_crawler_process = True

    def short_desc(self) -> str:
        return "Package the data tree for publication"

    def long_desc(self) -> str:
        return "Makes a BagIt bag with an RO-Crate; checks, completes and extracts such bags."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        _package.add_options(parser)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        try:
            self.exitcode = self._run(args, opts)
        except _USAGE as error:
            show(f"scrapy package: {error}", file=sys.stderr)
            self.exitcode = 2
        except _FAULTS as error:
            show(f"scrapy package: {error}", file=sys.stderr)
            self.exitcode = 1
        except OSError as error:
            show(f"scrapy package: {reason(error)}", file=sys.stderr)
            self.exitcode = 1
        finally:
            process.close_watchdog()

    def _run(self, args: list[str], opts: argparse.Namespace) -> int:
        """Run the part of the command that the options name; return the exit status."""
        assert self.settings is not None
        package = _package.output(opts, self.settings)
        if opts.extract:
            return self._extract(opts.extract[0], opts.extract[1], opts)
        if opts.check is not None:
            return self._check(Path(opts.check or package), _package.jobs(opts))
        if opts.complete is not None:
            return self._complete(Path(opts.complete or package), _package.jobs(opts))
        return self._write(args, opts)

    def _write(self, args: list[str], opts: argparse.Namespace) -> int:
        """Write a package of the tree."""
        assert self.settings is not None
        assert self.crawler_process is not None
        options = _package.package_options(opts, self.settings)
        spiders = hub_spiders(self.crawler_process.spider_loader, Path(self.settings["DATA_DIR"]), args)
        with bars() as advance:
            written = _package.PackagedTree(self.settings, spiders, advance, named=args).write(options)
        for line in _package.summary(written):
            show(line)
        return 0

    def _check(self, package: Path, workers: int) -> int:
        """Check a package, and print what is wrong with it."""
        with bars() as advance:
            found = Checking(package, workers=workers).run(show, advance)
        show(f"{package}: {counted(found.files, 'file')}, {counted(found.faults, 'fault')}")
        if found.unfetched:
            unfetched = counted(found.unfetched, "large file is", "large files are")
            show(f"{unfetched} not downloaded yet: scrapy package --complete {package}")
        return 1 if found.faults else 0

    def _complete(self, package: Path, workers: int) -> int:
        """Download what fetch.txt lists."""
        assert self.settings is not None
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        with bars() as advance, contextlib.closing(downloader(loader, self.settings)) as download:
            failed = Completing(package, download, workers=workers).run(
                lambda reason: show(f"scrapy package: {reason}", file=sys.stderr), advance
            )
        lost = f": {counted(failed, 'large file')} could not be downloaded"
        show(f"{package}{lost if failed else ' is complete'}")
        return 1 if failed else 0

    def _extract(self, model: str, path: str, opts: argparse.Namespace) -> int:
        """Extract one repository; `path` and `-o` are the target and the package, in either order."""
        assert self.settings is not None
        assert self.crawler_process is not None
        package, target = (opts.output or str(_package.output(opts, self.settings))), path
        if "://" in path or (Path(path) / INDEX).is_file():
            package, target = path, opts.output or "."
        git = command(repository_settings(self.settings))
        is_remote = "://" in package
        if is_remote and not package.startswith(("http://", "https://")):
            raise options.InvalidOption("-o", package, "the folder of a package, or its http or https URL")
        named = [package] if is_remote else []
        with contextlib.closing(downloader(self.crawler_process.spider_loader, self.settings, *named)) as download:
            volumes = RemoteVolumes(package, download) if is_remote else LocalVolumes(Path(package))
            show(extract(volumes, model, Path(target), git))
        return 0


def reason(error: OSError) -> str:
    """Return the message of a system error, and what to do about a full disk."""
    message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    if is_full(error):
        return f"{message}; free some space and run the same command again, it continues"
    return message
