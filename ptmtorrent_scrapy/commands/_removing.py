"""Base of the commands that remove: list what would be removed, and remove it with `--yes`."""

import argparse
import sys
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from scrapy.settings import Settings
from scrapy.spiderloader import get_spider_loader

from ptmtorrent_scrapy.commands._common import ReadsTree, SetupError, unknown_hub
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.removal.removal import CannotRemove, Removal
from ptmtorrent_scrapy.storage.tree import DataTree, TreeLocked

_SHOWN = 20  # removals of each kind that are listed


class Removing(ReadsTree):
    """Mixin for a command that removes files."""

    settings: Settings | None
    exitcode: int

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)  # type: ignore[misc]  # ScrapyCommand's
        parser.add_argument(
            "--yes", action="store_true", help="remove it; without --yes, only list what would be removed"
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        name = self.__module__.rpartition(".")[2]
        try:
            tree = self._tree(self.named(args, opts))
            with tree.claim():
                removals = self.removals(tree, args, opts)
                _print(tree, removals)
                if opts.yes and removals:
                    self.remove(tree, removals, opts)
        except (SetupError, InvalidOption, CannotRemove, TreeLocked) as error:
            show(f"scrapy {name}: {error}", file=sys.stderr)
            self.exitcode = 2
        except OSError as error:
            show(f"scrapy {name}: {error}; run the same command again to finish", file=sys.stderr)
            self.exitcode = 1
        else:
            self._sum_up(tree, removals, opts)

    @abstractmethod
    def named(self, args: Sequence[str], opts: argparse.Namespace) -> str:
        """Return the hub named on the command line. Raise `SetupError`."""

    @abstractmethod
    def removals(self, tree: DataTree, args: Sequence[str], opts: argparse.Namespace) -> list[Removal]:
        """Return the removals. Raise `CannotRemove`, `InvalidOption`."""

    @abstractmethod
    def remove(self, tree: DataTree, removals: Sequence[Removal], opts: argparse.Namespace) -> None:
        """Remove it. Raise `OSError`."""

    def hint(self, tree: DataTree, opts: argparse.Namespace) -> str | None:
        """Return what to do next."""
        return None

    def _tree(self, name: str) -> DataTree:
        assert self.settings is not None
        hubs, root = get_spider_loader(self.settings).list(), Path(self.settings["DATA_DIR"])
        if name not in hubs:
            raise unknown_hub(name, hubs)
        if not (root / name).is_dir():
            raise SetupError(f"{root / name} does not exist; nothing to remove")
        return DataTree(root, name)

    def _sum_up(self, tree: DataTree, removals: Sequence[Removal], opts: argparse.Namespace) -> None:
        total = human(sum(removal.bytes for removal in removals))
        if not removals:
            show("nothing to remove")
        elif opts.yes:
            show(f"removed; {total} freed")
        else:
            show(f"would free {total}; nothing was removed yet, add --yes to do it")
        if removals and (hint := self.hint(tree, opts)):
            show(hint)


def _print(tree: DataTree, removals: Sequence[Removal]) -> None:
    """Print a line for each of the first removals of each kind, and the number of the others."""
    counts = Counter(removal.kind for removal in removals)
    shown: Counter[str] = Counter()
    for removal in removals:
        shown[removal.kind] += 1
        if shown[removal.kind] <= _SHOWN:
            path = removal.path.relative_to(tree.root).as_posix()
            show(f"{removal.kind:<10} {human(removal.bytes):>9}  {path}")
    for kind, number in counts.items():
        if number > _SHOWN:
            show(f"{kind:<10} and {number - _SHOWN:,} more")
