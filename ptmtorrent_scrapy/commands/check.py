"""`scrapy check`, which leaves the data tree alone."""

import argparse

from scrapy.commands.check import Command as CheckCommand

from ptmtorrent_scrapy.commands import _common


class Command(CheckCommand):
    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        assert self.settings is not None
        _common.only_show(self.settings)
