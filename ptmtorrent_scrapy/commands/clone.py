"""`scrapy clone HUB`: clone from the records on disk, without listing the hub again."""

import argparse
import sys
from pathlib import Path

from scrapy.commands import BaseRunSpiderCommand

from ptmtorrent_scrapy.catalog import CollectedHub
from ptmtorrent_scrapy.commands import _common
from ptmtorrent_scrapy.commands._arguments import arguments_help, named_spider
from ptmtorrent_scrapy.commands._common import SetupError
from ptmtorrent_scrapy.commands._settings_check import exit_if_wrong
from ptmtorrent_scrapy.commands.crawl import check, ended_with
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.extensions.clone_records import is_collected
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.from_records import from_records

_COMPONENTS: dict[str, dict[object, object]] = {
    "ITEM_PIPELINES": {"ptmtorrent_scrapy.pipelines.ClonePipeline": 300},
    "EXTENSIONS": {
        "ptmtorrent_scrapy.extensions.clone_records.CloneRecords": 500,
        "ptmtorrent_scrapy.extensions.CrawlLog": 500,
        "ptmtorrent_scrapy.extensions.Progress": 500,
        "ptmtorrent_scrapy.extensions.Summary": 500,
    },
}


class Command(BaseRunSpiderCommand):
    """Command with the exit statuses of a crawl."""

    requires_project = True

    def syntax(self) -> str:
        return "[options] HUB"

    def short_desc(self) -> str:
        return "Clone repositories of the records on disk, without listing the hub"

    def long_desc(self) -> str:
        return (
            "Takes the arguments (-a) of the hub's crawl, and retry=failed|missing|partial|all for the repositories "
            "whose last clone has this status."
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        exit_if_wrong("clone", self.settings)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        assert self.settings is not None
        if spider := named_spider(self.settings):
            parser.epilog = arguments_help(spider, "retry")
            parser.formatter_class = argparse.RawDescriptionHelpFormatter

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.crawler_process is not None
        settings = self.crawler_process.settings
        try:
            spider = from_records(self._spider(args))
            _common.replace_components(settings, _COMPONENTS)
            if not is_collected(CollectedHub(Path(settings["DATA_DIR"]), spider.name)):
                raise SetupError(f"no records of {spider.name}; run: scrapy crawl {spider.name} -a fraction=0")
            check(spider, settings, opts.spargs)
        except (InvalidOption, SetupError) as error:
            show(f"scrapy clone: {error}", file=sys.stderr)
            self.exitcode = 2
            return
        crawler = self.crawler_process.create_crawler(spider)
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        self.exitcode = ended_with(self.crawler_process, crawler)

    def _spider(self, args: list[str]) -> type[HubSpider]:
        assert self.crawler_process is not None
        if len(args) != 1:
            raise SetupError(f"usage: scrapy clone {self.syntax()}")
        return _common.hub_spider(self.crawler_process.spider_loader, args[0])
