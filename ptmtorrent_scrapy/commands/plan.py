"""`scrapy plan HUB`: estimate what a crawl with the same arguments will take, before anything is cloned."""

import argparse
import json
import sys
from pathlib import Path

from scrapy.commands import BaseRunSpiderCommand
from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings

from ptmtorrent_scrapy.commands import _common
from ptmtorrent_scrapy.commands._common import SetupError
from ptmtorrent_scrapy.commands._settings_check import exit_if_wrong
from ptmtorrent_scrapy.commands.crawl import check
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.extensions.planner import Planning, PlanOptions, planning
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.rows import row
from ptmtorrent_scrapy.storage.scratch import scratch_folder

_PIPELINES: dict[object, object] = {
    "ptmtorrent_scrapy.pipelines.MetadataPipeline": 200,
    "ptmtorrent_scrapy.pipelines.ClonePipeline": 300,  # of a hub that is a repository
}
_EXTENSIONS: dict[object, object] = {"ptmtorrent_scrapy.extensions.Progress": 500}


def _options(settings: BaseSettings, opts: argparse.Namespace) -> PlanOptions:
    """Return the options of the command. Raise `InvalidOption`."""
    return PlanOptions(
        data=Path(settings["DATA_DIR"]),
        sample=options.whole("--sample", opts.sample),
        rate=options.size("--rate", opts.rate) or None if opts.rate else None,
    )


class Command(BaseRunSpiderCommand):
    """Command that lists the hub, and estimates the repositories, bytes, time and disk space of its crawl."""

    requires_project = True

    def syntax(self) -> str:
        return "[options] <hub>"

    def short_desc(self) -> str:
        return "Estimate what a crawl takes"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--rate", default="", metavar="SIZE", help="bytes per second, such as 50MB")
        parser.add_argument("--sample", default="50", metavar="N", help="repositories to sample (default: 50)")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        exit_if_wrong("plan", self.settings)
        assert self.settings is not None
        if (self.settings.getpriority("LOG_LEVEL") or 0) < SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("LOG_LEVEL", "WARNING", "cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.crawler_process is not None
        loader, settings = self.crawler_process.spider_loader, self.crawler_process.settings
        name = args[0] if len(args) == 1 else ""
        try:
            spider = _common.hub_spider(loader, name)
            extensions = {**_EXTENSIONS, planning(_options(settings, opts)): 500}
            _common.replace_components(settings, {"ITEM_PIPELINES": _PIPELINES, "EXTENSIONS": extensions})
            check(spider, settings, opts.spargs)
        except (options.InvalidOption, SetupError) as error:
            show(f"scrapy plan {name}: {error}", file=sys.stderr)
            self.exitcode = 2
            return
        with scratch_folder(Path(settings["DATA_DIR"])) as scratch:
            settings.set("DATA_DIR", str(scratch), "cmdline")
            crawler = self._create_crawler(name)
            self.crawler_process.crawl(crawler, **opts.spargs)
            self.crawler_process.start()
        self._print(crawler.get_extension(Planning), as_json=opts.json)

    def _print(self, planning: Planning | None, *, as_json: bool) -> None:
        if planning is None or planning.plan is None:
            self.exitcode = 1
        elif as_json:
            show(json.dumps(planning.plan.to_json()))
        else:
            show(planning.plan.hub)
            for what, how_much in planning.plan.lines():
                for line in row(what, how_much).split("\n"):
                    show(line)
