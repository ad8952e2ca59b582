"""`scrapy check`, which does not touch the data tree."""

from scrapy.commands.check import Command as CheckCommand

from ptmtorrent_scrapy.commands import _common


class Command(_common.ShowsPage, CheckCommand):
    """Scrapy's own command, without a data tree."""
