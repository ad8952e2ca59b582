"""`scrapy prune`: remove files that nothing in a hub's folder needs."""

import argparse
import time
from collections.abc import Sequence

from scrapy.commands import ScrapyCommand

from ptmtorrent_scrapy.cloning.settings import clone_settings
from ptmtorrent_scrapy.commands._common import SetupError
from ptmtorrent_scrapy.commands._removing import Removing
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.git.remote import command
from ptmtorrent_scrapy.removal import prune
from ptmtorrent_scrapy.removal.removal import Removal
from ptmtorrent_scrapy.storage.tree import DataTree


class Command(Removing, ScrapyCommand):
    """Exit status 0: done, or shown; 1: something could not be removed; 2: it could not start."""

    def syntax(self) -> str:
        return "[options] HUB"

    def short_desc(self) -> str:
        return "Remove large files, snapshots, cache and temporary files that nothing needs"

    def named(self, args: Sequence[str], opts: argparse.Namespace) -> str:
        if len(args) != 1:
            raise SetupError(f"usage: scrapy prune {self.syntax()}")
        return args[0]

    def removals(self, tree: DataTree, args: Sequence[str], opts: argparse.Namespace) -> list[Removal]:
        assert self.settings is not None
        keep = options.whole("KEEP_SNAPSHOTS", self.settings["KEEP_SNAPSHOTS"])
        longest = options.duration("LISTING_MAX_AGE", self.settings["LISTING_MAX_AGE"])
        return [
            *prune.unused_objects(tree, command(clone_settings(self.settings).repository)),
            *prune.old_snapshots(tree, keep),
            *prune.cache(tree),
            *prune.leftovers(tree, keep_listing=prune.is_resumable(tree, time.time(), longest)),
        ]

    def remove(self, tree: DataTree, removals: Sequence[Removal], opts: argparse.Namespace) -> None:
        for removal in removals:
            removal.run()
