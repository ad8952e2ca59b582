"""`scrapy verify [HUB]`: check the data tree, and repair it."""

import argparse
import json
import sys
from pathlib import Path

from scrapy.commands import ScrapyCommand

from ptmtorrent_scrapy.cloning.settings import clone_settings
from ptmtorrent_scrapy.commands._common import ReadsTree, SetupError, reason
from ptmtorrent_scrapy.commands._progress import Advance, bars
from ptmtorrent_scrapy.commands._settings_check import exit_if_wrong
from ptmtorrent_scrapy.commands._trees import clone_request, hub_spiders
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.storage.tree import DataTree, TreeLocked
from ptmtorrent_scrapy.verification.finding import Finding
from ptmtorrent_scrapy.verification.repair import Repair
from ptmtorrent_scrapy.verification.verifier import Verification


class Command(ReadsTree, ScrapyCommand):
    """Command that checks the tree; exit status 0: no problems, 1: problems, 2: it could not start."""

    requires_crawler_process = True

    def short_desc(self) -> str:
        return "Check the data tree, and repair it"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print each problem as a JSON object, one per line")
        parser.add_argument("--repair", action="store_true", help="download damaged or missing files again")
        parser.add_argument("--sample", default="1", metavar="SHARE", help="check only that share, such as 1%% or 0.01")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        exit_if_wrong("verify", self.settings)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        try:
            share = options.share("--sample", opts.sample)
            wrong = [problem for hub in self._hubs(args) for problem in self._verify(hub, share, opts)]
        except (options.InvalidOption, SetupError, TreeLocked, OSError) as error:
            show(f"scrapy verify: {reason(error)}", file=sys.stderr)
            self.exitcode = 2
            return
        self.exitcode = 1 if any(problem.is_fault for problem in wrong) else 0

    def _hubs(self, named: list[str]) -> list[type[HubSpider]]:
        """Return the hubs that are named, else all that have a folder. Raise `SetupError`."""
        assert self.crawler_process is not None
        assert self.settings is not None
        return hub_spiders(self.crawler_process.spider_loader, Path(self.settings["DATA_DIR"]), named)

    def _verify(self, hub: type[HubSpider], share: float, opts: argparse.Namespace) -> list[Finding]:
        """Check a hub, and return the problems that were not repaired. Raise `TreeLocked`, `InvalidOption`."""
        assert self.settings is not None
        tree = DataTree(Path(self.settings["DATA_DIR"]), hub.name)
        repository = clone_request(hub, tree, self.settings, "verify")
        found: list[Finding] = []

        def report(problem: Finding) -> None:
            found.append(problem)
            show(json.dumps(problem.to_json()) if opts.json else problem, flush=True)

        with tree.claim(), bars() as advance:
            verification = self._verification(hub, tree, repository, share, advance)
            verification.run(report)
            faults = [problem for problem in found if problem.is_fault]
            wanted = [problem for problem in found if problem.is_fault or problem.is_repairable]
            if opts.repair and wanted:
                repair = Repair(tree, repository, verification)
                left = repair.run(wanted)
                for remark in repair.remarks:
                    show(remark, file=sys.stderr)
                found = list(dict.fromkeys([*(each for each in faults if not each.is_repairable), *left]))
        process.close_watchdog()
        self._sum_up(hub.name, verification, faults, found if opts.repair else None)
        return found

    def _verification(
        self, hub: type[HubSpider], tree: DataTree, repository: CloneRequest, share: float, advance: Advance
    ) -> Verification:
        assert self.settings is not None
        return Verification(
            tree,
            repository,
            (f"json/metadata/{hub.metadata}", *hub.raw_pages),
            workers=clone_settings(self.settings).concurrency,
            share=share,
            advance=advance,
        )

    def _sum_up(self, hub: str, verification: Verification, faults: list[Finding], left: list[Finding] | None) -> None:
        checked = counted(verification.checked, "clone or large file", "clones and large files")
        summary = f"{hub}: checked {checked}, {counted(len(faults), 'problem')}"
        if faults and left is not None:
            summary += f", {sum(each.is_fault for each in left):,} left after the repair"
        elif any(problem.is_repairable for problem in faults):
            summary += "; use --repair to download damaged and missing files again"
        show(summary, file=sys.stderr)
        remaining = faults if left is None else [problem for problem in left if problem.is_fault]
        for problem in remaining if left is not None else ():
            show(f"left: {problem}", file=sys.stderr)
        if any(not problem.is_repairable for problem in remaining):
            show(
                "a download cannot repair all of these: run the crawl again, or inspect them yourself", file=sys.stderr
            )
