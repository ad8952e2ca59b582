"""`scrapy diff HUB [TIME [TIME]]`: what changed between snapshots of a hub, or since one."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scrapy.commands import ScrapyCommand

from ptmtorrent_scrapy.commands._common import ReadsTree, SetupError, reason, unknown_hub
from ptmtorrent_scrapy.formats.printable import printable, show
from ptmtorrent_scrapy.report.changes import changes_between
from ptmtorrent_scrapy.report.page import diff_page
from ptmtorrent_scrapy.snapshots.diff import Change, ChangeKind, changes
from ptmtorrent_scrapy.snapshots.reader import DamagedFile, State, UnknownState, compared, states
from ptmtorrent_scrapy.storage.atomic import write
from ptmtorrent_scrapy.storage.tree import DataTree

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_WORDS = {
    "LatestGitCommitSHA": "commit",
    "ModelLicense": "license",
    "ModelTask": "task",
    "ModelDownloads": "downloads",
    "ModelLikes": "likes",
}


class Command(ReadsTree, ScrapyCommand):
    """Command that compares two states of a hub; exit status 0: compared, 2: they could not be compared."""

    requires_crawler_process = True

    def syntax(self) -> str:
        return "[options] <hub> [TIME [TIME]]"

    def short_desc(self) -> str:
        return "Show what changed between snapshots"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--all", action="store_true", help="include models with changes in downloads or likes only")
        parser.add_argument(
            "--changed", action="store_true", help="only changes that concern clones: added, removed, another commit"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")
        parser.add_argument("--html", metavar="FILE", help="write a page with the changes")
        parser.add_argument("--list", action="store_true", help="list the snapshots and their counts instead")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper
        try:
            tree = self._tree(args)
            if opts.html:
                page = diff_page(tree.hub, changes_between(*compared(tree, args[1:])))
                write(Path(opts.html), page.encode())
                show(opts.html)
                return
            lines = _listed(tree) if opts.list else _compared(*compared(tree, args[1:]), opts)
            for line in lines:
                show(json.dumps(line) if opts.json else _text(line, tree.hub))
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader closed the pipe
        except (SetupError, UnknownState, DamagedFile, OSError) as error:
            show(f"scrapy diff: {reason(error)}", file=sys.stderr)
            self.exitcode = 2

    def _tree(self, args: list[str]) -> DataTree:
        """Return the tree of the named hub. Raise `SetupError`."""
        assert self.crawler_process is not None
        assert self.settings is not None
        hubs, root = self.crawler_process.spider_loader.list(), Path(self.settings["DATA_DIR"])
        if not 1 <= len(args) <= 3:
            raise SetupError(f"give a hub and up to two times: scrapy diff {self.syntax()}")
        if args[0] not in hubs:
            raise unknown_hub(args[0], hubs)
        if not (root / args[0]).is_dir():
            raise SetupError(f"{root / args[0]} does not exist; set another DATA_DIR, or crawl first")
        return DataTree(root, args[0])


def _listed(tree: DataTree) -> Iterator[dict[str, Any]]:
    for state in states(tree):
        try:
            records, rejected = state.counts()
            yield {"what": "state", "time": state.name, "records": records, "rejected": rejected}
        except DamagedFile as error:
            yield {"what": "broken", "time": state.name, "problem": str(error)}


def _compared(former: State, new: State, opts: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the changes as JSON objects, and a summary last."""
    sums, fields = dict.fromkeys((*_SIGNS, "counts"), 0), Counter[str]()
    for change in changes(former, new):
        sums["counts"] += bool(change.counts)
        fields.update([*change.fields, *change.others])
        if not change.is_counted_only:
            sums[change.what] += 1
        if change.concerns_clone or not (opts.changed or (change.is_counted_only and not opts.all)):
            yield _json(change, with_counts=opts.all)
    yield {"what": "summary", "from": former.name, "to": new.name, **sums, "fields": dict(sorted(fields.items()))}


def _json(change: Change, *, with_counts: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"what": change.what, "model": change.model, "url": change.url}
    if change.what == ChangeKind.CHANGED:
        line["fields"] = change.fields | (change.counts if with_counts else {})
        line["others"] = change.others
    return line


def _text(line: dict[str, Any], hub: str) -> str:
    """Return a change as a line for people."""
    if line["what"] == "state":
        return f"{line['time']:<16}  {line['records']:>9,} records  {line['rejected']:>7,} rejected"
    if line["what"] == "broken":
        return printable(f"{line['time']:<16}  {line['problem']}")
    if line["what"] == "summary":
        return _sum(line, hub)
    values = [
        f"{_WORDS[name]} {_value(name, old)} -> {_value(name, new)}"
        for name, (old, new) in line.get("fields", {}).items()
    ]
    details = ", ".join([*values, *line.get("others", ())])
    return printable(f"{_SIGNS[line['what']]} {line['model']}{'  ' if details else ''}{details}")


def _sum(line: dict[str, Any], hub: str) -> str:
    sums = ", ".join(f"{line[what]:,} {what}" for what in _SIGNS)
    fields = ", ".join(f"{_WORDS.get(name, name)} {models:,}" for name, models in line["fields"].items())
    counted = f"; downloads or likes of {line['counts']:,}"
    return printable(f"{hub}, {line['from']} to {line['to']}: {sums}{f' ({fields})' if fields else ''}{counted}")


def _value(name: str, value: Any) -> str:
    if value is None:
        return "none"
    return str(value)[:7] if name == "LatestGitCommitSHA" else str(value)
