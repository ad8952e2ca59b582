"""`scrapy doctor [HUB]`: check whether this machine can crawl, and say what to do if it cannot."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from scrapy.commands import ScrapyCommand
from scrapy.settings import BaseSettings

from ptmtorrent_scrapy.cloning.executor_choice import check_cluster
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.commands._common import ReadsTree, unknown_hub
from ptmtorrent_scrapy.commands.crawl import check_settings
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.doctor import filesystem, network, programs
from ptmtorrent_scrapy.doctor.result import OK, WARNING, WRONG, CheckResult
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.spiders.base import HubSpider


class Command(ReadsTree, ScrapyCommand):
    """Command that checks the machine; exit status 0: no errors, perhaps warnings, 1: errors."""

    requires_crawler_process = True

    def syntax(self) -> str:
        return "[options] [hub]"

    def short_desc(self) -> str:
        return "Check whether this machine can crawl"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        assert self.crawler_process is not None
        hubs = self.crawler_process.spider_loader.list()
        if not set(args) <= set(hubs):
            show(f"scrapy doctor: {unknown_hub(' '.join(args), hubs)}", file=sys.stderr)
            self.exitcode = 2
            return
        spiders = [self.crawler_process.spider_loader.load(name) for name in args or hubs]
        for finding in findings(self.settings, [each for each in spiders if issubclass(each, HubSpider)]):
            show(json.dumps(asdict(finding)) if opts.json else finding, flush=True)
            if finding.state == WRONG:
                self.exitcode = 1
        process.close_watchdog()


def findings(settings: BaseSettings, hubs: list[type[HubSpider]]) -> Iterator[CheckResult]:
    """Yield the results of all checks."""
    yield from programs.findings()
    clones: CloneSettings | None = None
    try:
        clones = check_settings(settings, hubs)
        yield CheckResult("settings", OK, "can be used")
    except options.InvalidOption as error:
        yield CheckResult("settings", WRONG, str(error), "give another value")
    min_free, concurrency = (clones.repository.min_free, clones.concurrency) if clones else (0, 1)
    yield from filesystem.findings(Path(settings["DATA_DIR"] or "data"), min_free, concurrency)
    if clones:
        yield from _network(settings, hubs, clones)
        yield from _cluster(clones.cluster)


def _network(settings: BaseSettings, hubs: list[type[HubSpider]], clones: CloneSettings) -> Iterator[CheckResult]:
    ahead: list[float] = []
    settings_of_hubs = [(hub, name) for hub in hubs for name in hub.url_settings]
    with ThreadPoolExecutor(8) as pool:
        pages = [
            pool.submit(network.page, hub.name, *_page(settings, hub, name))
            for hub, name in settings_of_hubs
            if name not in hub.repository_settings
        ]
        listed = [
            pool.submit(network.repository, hub.name, _wanted(clones.repository, settings, name))
            for hub, name in settings_of_hubs
            if name in hub.repository_settings
        ]
        for answer in pages:
            finding, seconds = answer.result()
            ahead += [] if seconds is None else [seconds]
            yield finding
        yield from (each.result() for each in listed)
    if hub := next((hub for hub in hubs if hub.token_setting), None):  # hubs of one site share its token
        base, secret = hub.token_of(settings) or (settings[hub.url_settings[0]], "")
        names, headers = (hub.url_settings[0], hub.token_setting), {"User-Agent": _user_agent(settings)}
        yield network.token(base, secret, headers, probe=hub.token_probe, settings=names)
    yield network.clock(ahead)


def _page(settings: BaseSettings, hub: type[HubSpider], name: str) -> tuple[str, dict[str, str]]:
    base = settings[name].rstrip("/")
    return base + hub.probe, {"User-Agent": _user_agent(settings), "Referer": f"{base}/"}


def _user_agent(settings: BaseSettings) -> str:
    return options.user_agent(settings["USER_AGENT"], settings["CONTACT_URL"])


def _wanted(repository: CloneRequest, settings: BaseSettings, name: str) -> CloneRequest:
    """Return a request for the HEAD of a repository; git's temporary files are beside `path`."""
    path = str(Path(settings["DATA_DIR"] or "data").absolute() / "doctor")
    return replace(repository, url=settings[name], path=path, timeout=20, scope="doctor")


def _cluster(address: str) -> Iterator[CheckResult]:
    if not address:
        return
    yield _tried("cluster", lambda: check_cluster(address), f"{address} answers")
    if address.startswith("tcp://") and not address.startswith(("tcp://127.", "tcp://localhost", "tcp://[::1]")):
        advice = "anyone who reaches a scheduler can run code on it: use tls:// and certificates"
        yield CheckResult("cluster", WARNING, f"{address} is not encrypted", advice)


def _tried(check: str, attempt: Callable[[], object], found: str) -> CheckResult:
    try:
        attempt()
    except options.InvalidOption as error:
        return CheckResult(check, WRONG, str(error), "start the scheduler, or leave CLONE_CLUSTER empty")
    return CheckResult(check, OK, found)
