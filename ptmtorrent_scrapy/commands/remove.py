"""`scrapy remove`: remove clones, clones of repositories that the hub does not list any more, or a complete hub."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from scrapy.commands import ScrapyCommand

from ptmtorrent_scrapy.commands._common import SetupError
from ptmtorrent_scrapy.commands._removing import Removing
from ptmtorrent_scrapy.removal import clones
from ptmtorrent_scrapy.removal.removal import Kind, Removal, freed
from ptmtorrent_scrapy.storage.tree import DataTree


class Command(Removing, ScrapyCommand):
    """Exit status 0: done, or shown; 1: something could not be removed; 2: it could not start."""

    def syntax(self) -> str:
        return "[options] HUB AUTHOR/MODEL ... | HUB --not-listed | --hub HUB"

    def short_desc(self) -> str:
        return "Remove clones or a complete hub from the data tree"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--not-listed", action="store_true", help="remove clones that the hub no longer lists")
        parser.add_argument("--hub", metavar="HUB", help="remove all data of a hub")

    def named(self, args: Sequence[str], opts: argparse.Namespace) -> str:
        if opts.hub is not None and not args and not opts.not_listed:
            return str(opts.hub)
        if opts.hub is None and args and opts.not_listed == (len(args) == 1):
            return args[0]
        raise SetupError(f"usage: scrapy remove {self.syntax()}")

    def removals(self, tree: DataTree, args: Sequence[str], opts: argparse.Namespace) -> list[Removal]:
        if opts.hub is not None:
            return [Removal(kind=Kind.HUB, path=Path(tree.folder), bytes=freed(tree.folder))]
        return clones.not_listed(tree) if opts.not_listed else clones.named(tree, args[1:])

    def remove(self, tree: DataTree, removals: Sequence[Removal], opts: argparse.Namespace) -> None:
        if opts.hub is not None:
            removals[0].run()
        else:
            clones.remove_clones(tree, removals)

    def hint(self, tree: DataTree, opts: argparse.Namespace) -> str | None:
        if opts.hub is not None or not tree.store.is_dir():
            return None
        return f"large files stay in {tree.store}; remove those that no clone uses: scrapy prune {tree.hub}"
