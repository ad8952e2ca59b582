"""`scrapy crawl`: checks everything before the first request; its exit status says how the crawl ended."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.crawler import Crawler, CrawlerProcessBase
from scrapy.settings import BaseSettings

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.cloning.executor_choice import check_cluster
from ptmtorrent_scrapy.cloning.settings import CloneSettings, clone_settings
from ptmtorrent_scrapy.commands._arguments import arguments_help, named_spider
from ptmtorrent_scrapy.commands._common import SetupError, unknown_hub
from ptmtorrent_scrapy.commands._settings_check import exit_if_wrong
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.selection import Selection
from ptmtorrent_scrapy.crawl.state import exit_status
from ptmtorrent_scrapy.formats.printable import printable, show
from ptmtorrent_scrapy.git import programs
from ptmtorrent_scrapy.network.proxies import ProxyUnusable, check_environment
from ptmtorrent_scrapy.snapshots import crawl_log
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.storage.disk_errors import described
from ptmtorrent_scrapy.storage.tree import DataTree

_FOLDERS = ("html", "json", "json/metadata", "lfs", "repos")

logger = logging.getLogger(__name__)


class Command(CrawlCommand):
    """Scrapy's own command; exit status 2 if the crawl cannot start, 1 if it did not finish."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        assert self.settings is not None
        if spider := named_spider(self.settings):
            parser.epilog, parser.formatter_class = arguments_help(spider), argparse.RawDescriptionHelpFormatter

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        exit_if_wrong("crawl", self.settings)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        if len(args) == 1 and args[0] not in loader.list():
            show(f"scrapy crawl: {unknown_hub(args[0], loader.list())}", file=sys.stderr)
            self.exitcode = 2
            return
        spider = loader.load(args[0]) if len(args) == 1 else None
        if spider is None or not issubclass(spider, HubSpider):
            super().run(args, opts)
            return
        try:
            check(spider, self.crawler_process.settings, opts.spargs)
        except (options.InvalidOption, SetupError) as error:
            show(f"scrapy crawl {spider.name}: {error}", file=sys.stderr)
            if self.crawler_process.settings["LOG_FILE"]:
                logger.error("%s", error)
            self.exitcode = 2
            return
        crawler = self._create_crawler(args[0])
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = ended_with(self.crawler_process, crawler)


def ended_with(process: CrawlerProcessBase, crawler: Crawler) -> int:
    """Return the exit status of a crawl that has ended."""
    if process.bootstrap_failed or crawler.stats is None:
        return 1
    if (reason := crawler.stats.get_value("finish_reason")) is None:
        show("stopped by you before the crawl began: run the same command to start it", file=sys.stderr)
    return exit_status(reason)


def check(spider: type[HubSpider], settings: BaseSettings, given: dict[str, str]) -> None:
    """Check everything that can be checked before the first request. Raise `InvalidOption`, `SetupError`."""
    selection, _ = spider.check_arguments(**given)
    clones = check_settings(settings, [spider])
    _check_protocols(spider, settings, selection, clones.repository.protocols)
    for program in programs.NAMES:
        try:
            programs.version(program)
        except programs.Unusable as error:
            raise SetupError(str(error)) from None
    _check_proxies(spider, settings)
    tree = DataTree(Path(settings["DATA_DIR"]), spider.name)
    _check_writable(tree.folder)
    check_folders(tree)
    check_version(tree)
    if clones.cluster:
        check_cluster(clones.cluster)


def _check_protocols(
    spider: type[HubSpider], settings: BaseSettings, selection: Selection, protocols: Iterable[str]
) -> None:
    """Raise `InvalidOption` if git may not use the protocol of a URL that the hub's repositories are below."""
    for name in spider.cloned_from(selection):
        scheme = urlsplit(settings[name]).scheme
        if scheme not in protocols:
            accepted = f"one or more protocols, among them {scheme}: {name} is {settings[name]}"
            raise options.InvalidOption("CLONE_PROTOCOLS", settings["CLONE_PROTOCOLS"], accepted)


def _check_proxies(spider: type[HubSpider], settings: BaseSettings) -> None:
    """Raise `SetupError` for a proxy of the environment that cannot be used."""
    try:
        check_environment(settings[name] for name in spider.url_settings if name not in spider.repository_settings)
    except ProxyUnusable as error:
        raise SetupError(str(error)) from None


def check_folders(tree: DataTree) -> None:
    """Raise `SetupError` for a file in place of a folder of the tree."""
    for name in _FOLDERS:
        path = tree.folder / name
        if path.exists() and not path.is_dir():
            raise SetupError(f"{path} is not a folder; move it away, or choose another DATA_DIR")


def check_version(tree: DataTree) -> None:
    """Raise `SetupError` for a tree of a newer version, whose files may have another meaning.

    Likewise for one that cannot be read.
    """
    try:
        written = str(crawl_log.last(tree).get("version", ""))
    except OSError as error:
        raise SetupError(f"{described(error)}; look at {tree.folder}, or choose another DATA_DIR") from None
    newer, own = (re.match(r"(\d{1,9})\.(\d{1,9})", version) for version in (written, __version__))
    if newer and own and tuple(map(int, newer.groups())) > tuple(map(int, own.groups())):
        raise SetupError(
            f"{tree.folder} was written by version {printable(written)}, which is newer than this one, {__version__}: "
            "install that version, or choose another DATA_DIR"
        )


def check_settings(settings: BaseSettings, spiders: Iterable[type[HubSpider]]) -> CloneSettings:
    """Check all settings, and return those of clones. Raise `InvalidOption`."""
    clones = clone_settings(settings)
    for spider in spiders:
        spider.check_settings(settings)
    for name in ("KEEP_SNAPSHOTS", "RATE_LIMIT_RETRIES"):
        options.whole(name, settings[name])
    for name in ("LISTING_MAX_AGE", "LISTING_RETRY_PAUSE", "RATE_LIMIT_MAX_WAIT"):
        options.duration(name, settings[name])
    options.contact("CONTACT_URL", settings["CONTACT_URL"])
    if not settings["DATA_DIR"]:
        raise options.InvalidOption("DATA_DIR", "", "a folder, such as data")
    return clones


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write~{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"DATA_DIR={folder.parent}: cannot be written: {error.strerror}; choose another folder"
        ) from None
