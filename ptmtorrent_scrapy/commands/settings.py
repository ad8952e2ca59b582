"""`scrapy settings --ours`: the settings that this project adds to Scrapy's, with their values."""

import argparse
from collections.abc import Iterator

from scrapy.commands.settings import Command as SettingsCommand
from scrapy.settings import BaseSettings, default_settings
from scrapy.spiderloader import get_spider_loader

from ptmtorrent_scrapy import settings as project
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.redact import HIDDEN, redact


class Command(SettingsCommand):
    """Scrapy's own command, with the option `--ours`."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--ours", action="store_true", help="print all settings of this project")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        if not opts.ours:
            super().run(args, opts)
            return
        for name, value in ours(self.settings):
            show(f"{name} = {value}")


def ours(settings: BaseSettings) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the settings that Scrapy does not have; tokens and users in URLs are hidden."""
    loader = get_spider_loader(settings)
    tokens = {getattr(loader.load(hub), "token_setting", "") for hub in loader.list()}
    names = [name for name in vars(project) if name.isupper() and name[0] != "_"]
    for name in sorted(name for name in names if not hasattr(default_settings, name)):
        value = settings[name]
        if name in tokens or (name == "CLONE_GIT_CONFIG" and value != "{}"):
            yield name, HIDDEN if value else repr(value)
        else:
            yield name, redact(repr(value))
