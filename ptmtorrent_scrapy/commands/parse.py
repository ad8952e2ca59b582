"""`scrapy parse`: show the models on a page, without touching the data tree."""

import argparse
import sys

from scrapy.commands.parse import Command as ParseCommand

from ptmtorrent_scrapy.commands import _common
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.spiders.base import HubSpider


class Command(_common.ShowsPage, ParseCommand):
    """Scrapy's own command; exit status 2 if no spider can parse the page, 1 if the page is not as expected."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.crawler_process is not None
        settings, loader = self.crawler_process.settings, self.crawler_process.spider_loader
        try:
            opts.spider = _common.spider_name(opts.spider, args[0] if args else None, settings, loader)
            if opts.spider:
                _common.check_has_pages(loader.load(opts.spider))
                _common.set_referer(loader.load(opts.spider), settings)
        except _common.UsageError as error:
            show(f"scrapy parse: {error}", file=sys.stderr)
            self.exitcode = 2
            return
        super().run(args, opts)
        spider = self.pcrawler.spider if self.spidercls else None
        if not self.first_response or (isinstance(spider, HubSpider) and spider.session.state.problem):
            self.exitcode = 1
