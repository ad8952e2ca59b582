"""`scrapy check`, which leaves the data tree alone."""

from scrapy.commands.check import Command as CheckCommand

from ptmtorrent_scrapy.commands import _common


class Command(_common.ShowsPage, CheckCommand):
    """As Scrapy's own, on pages alone."""
