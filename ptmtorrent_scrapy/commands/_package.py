"""Parts of `scrapy package`: its options, the locked and verified tree, and the summary."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scrapy.settings import BaseSettings

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.cloning.settings import clone_settings, repository_settings
from ptmtorrent_scrapy.commands._progress import Advance
from ptmtorrent_scrapy.commands._trees import clone_request
from ptmtorrent_scrapy.crawl import options as user_values
from ptmtorrent_scrapy.formats.counted import counted, repositories
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.description import Description
from ptmtorrent_scrapy.publication.options import Creator, HubSource, PackageOptions
from ptmtorrent_scrapy.publication.packaging import Packaging
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.finding import Finding
from ptmtorrent_scrapy.verification.verifier import Verification

_FLAGS: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = (
    (("-o", "--output"), {"metavar": "PATH", "help": "the package (default: package, beside DATA_DIR)"}),
    (("--without-weights",), {"action": "store_true", "help": "list large files in fetch.txt where the hub has URLs"}),
    (
        ("--volumes",),
        {"metavar": "SIZE", "help": "pack complete repositories into archives of up to this size, such as 50GB"},
    ),
    (("--only-licenses",), {"metavar": "FILE", "help": "repositories of these licences only, one identifier per line"}),
    (("--include",), {"metavar": "OWNER/NAME", "action": "append", "help": "a gated or private repository to package"}),
    (("--title",), {"metavar": "TEXT", "help": "title of the dataset"}),
    (
        ("--creator",),
        {
            "metavar": "NAME",
            "action": "append",
            "help": "an author, such as 'Doe, Jane (0000-0002-1825-0097)'; may be repeated",
        },
    ),
    (("--publisher",), {"metavar": "NAME", "help": "who publishes the dataset, such as Zenodo"}),
    (("--license",), {"metavar": "SPDX", "help": "licence of the compilation, such as CC-BY-4.0"}),
    (("--force",), {"action": "store_true", "help": "package the tree without verifying it"}),
    (("-j", "--jobs"), {"metavar": "N", "help": "files or volumes at a time (default: one per processor)"}),
    (("--check",), {"metavar": "PACKAGE", "nargs": "?", "const": "", "help": "check a package"}),
    (
        ("--complete",),
        {"metavar": "PACKAGE", "nargs": "?", "const": "", "help": "download the files that its fetch.txt lists"},
    ),
    (
        ("--extract",),
        {"metavar": ("MODEL", "PATH"), "nargs": 2, "help": "extract OWNER/NAME from the volumes into PATH"},
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `scrapy package`."""
    for names, given in _FLAGS:
        parser.add_argument(*names, **given)


def output(opts: argparse.Namespace, settings: BaseSettings) -> Path:
    """Return the path of the package."""
    root = Path(settings["DATA_DIR"])
    return Path(opts.output) if opts.output else (root if root.name else root.absolute()).with_name("package")


def jobs(opts: argparse.Namespace) -> int:
    """Return the number of jobs at a time. Raise `InvalidOption`."""
    return user_values.positive("--jobs", opts.jobs) if opts.jobs else os.cpu_count() or 1


def package_options(opts: argparse.Namespace, settings: BaseSettings) -> PackageOptions:
    """Return the options of a package. Raise `InvalidOption`."""
    given = {"title": opts.title, "publisher": opts.publisher}
    return PackageOptions(
        output=output(opts, settings),
        creators=tuple(map(Creator.parse, opts.creator or ())),
        license=opts.license,
        without_weights=opts.without_weights,
        volume_size=user_values.size("--volumes", opts.volumes) if opts.volumes else None,
        named=tuple(opts.include or ()),
        licenses=_licenses(Path(opts.only_licenses)) if opts.only_licenses else None,
        strict=not opts.force,
        workers=jobs(opts),
        min_free=repository_settings(settings).min_free,
        **{name: text for name, text in given.items() if text},
    )


def _licenses(path: Path) -> frozenset[str]:
    """Return the identifiers of a file, one per line; what follows a # is a comment. Raise `InvalidOption`."""
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError as error:
        raise user_values.InvalidOption("--only-licenses", str(path), f"a file; {error.strerror}") from None
    lines = (line.partition("#")[0].strip().lower() for line in text.splitlines())
    if not (found := frozenset(filter(None, lines))):
        raise user_values.InvalidOption("--only-licenses", str(path), "a file with one SPDX identifier per line")
    return found


class TreeHasFaults(BagError):
    """The tree has faults, so it is not packaged."""


class PackagedTree:
    """The hubs of the data tree that are packaged, locked until the package is finished."""

    def __init__(
        self, settings: BaseSettings, spiders: Sequence[type[HubSpider]], advance: Advance, *, named: Sequence[str]
    ) -> None:
        """Prepare it; `named` are the hubs that the user names, by default all that have data."""
        self._settings = settings
        self._named = named
        self._root = Path(settings["DATA_DIR"])
        self._spiders = spiders
        self._advance = advance

    def write(self, asked: PackageOptions) -> Description:
        """Write the package. Raise what `Packaging` raises, `TreeHasFaults` and `TreeLocked`."""
        with contextlib.ExitStack() as claims:
            for spider in self._spiders:
                claims.enter_context(DataTree(self._root, spider.name).claim())
            sources = {spider.name: self._source(spider) for spider in self._spiders}
            hubs = Catalog(self._root).hubs(self._named)
            pairs = [(hub, sources[hub.name]) for hub in hubs if hub.name in sources]
            packaging = Packaging(self._root, pairs, asked, advance=self._advance, report=_say)
            return packaging.write(self._verify if asked.strict else lambda: None)

    def _verify(self) -> None:
        """Print each fault that verify finds, and raise `TreeHasFaults` if there are any."""
        if faults := sum(1 for _ in self._faults()):
            todo = "run scrapy verify --repair, or package with --force"
            raise TreeHasFaults(f"{counted(faults, 'fault')}, nothing was packaged: {todo}")

    def _faults(self) -> Iterator[Finding]:
        """Yield the faults of the tree, without those of large files, which the packaging reads anyway."""
        for spider in self._spiders:
            tree, found = DataTree(self._root, spider.name), list[Finding]()
            Verification(
                tree,
                clone_request(spider, tree, self._settings, "package"),
                (f"json/metadata/{spider.metadata}", *spider.raw_pages),
                workers=clone_settings(self._settings).concurrency,
                share=1,
                advance=self._advance,
                reads_large_files=False,
            ).run(found.append)
            for finding in found:
                if finding.is_fault:
                    _say(str(finding))
                    yield finding

    def _source(self, spider: type[HubSpider]) -> HubSource:
        tree = DataTree(self._root, spider.name)
        setting = next(iter(spider.url_settings), None)
        return HubSource(
            name=spider.name,
            title=spider.hub,
            url=str(self._settings[setting]) if setting else "",
            git=command(clone_request(spider, tree, self._settings, "package")),
            file_url=spider.file_url,
        )


def summary(written: Description) -> Iterator[str]:
    """Yield lines about what was packaged and what was not."""
    totals, output = written.totals, written.options.output
    clones = sum(hub.clones for hub in written.hubs)
    hubs, files = counted(len(written.hubs), "hub"), counted(totals.files, "file")
    yield f"{output}: {repositories(clones)} of {hubs}, {files}, {human(totals.size)}"
    if totals.fetched_files:
        fetched = f"{counted(totals.fetched_files, 'large file')}, {human(totals.fetched_bytes)}"
        yield f"{fetched}: in fetch.txt, with URL and SHA-256"
    if written.options.without_weights and totals.large_files:
        included = counted(totals.large_files, "large file is", "large files are")
        yield f"{included} included: no URL is known"
    yield from _not_packaged(written)
    if totals.unnamed:
        unnamed = counted(totals.unnamed, "file is", "files are")
        yield f"{unnamed} stored in git's objects only: a manifest cannot contain such a name"
    if unstated := dict(written.licenses).get("not stated"):
        states = counted(unstated, "repository states", "repositories state")
        yield f"{states} no licence, so redistribution is not permitted; see licenses.csv"
    if not written.options.creators:
        yield "before you publish it, name its authors: --creator 'FAMILY, GIVEN (ORCID)'"


def _not_packaged(written: Description) -> Iterator[str]:
    """Yield lines about what was not packaged of each hub."""
    for hub in written.hubs:
        for reason, count in hub.excluded.items():
            out = counted(count, "repository is", "repositories are")
            yield f"{hub.name}: {out} not in the package: {reason}; see licenses.csv"
        if hub.private:
            private = counted(hub.private, "private model is", "private models are")
            yield f"{hub.name}: {private} not mentioned in the package"


def _say(message: str) -> None:
    show(f"scrapy package: {message}", file=sys.stderr)
