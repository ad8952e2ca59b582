"""Check the tree of a hub, several clones and objects at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.storage.owner import other_owner
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.clones import Clones
from ptmtorrent_scrapy.verification.finding import Finding, Kind, Report, is_sampled
from ptmtorrent_scrapy.verification.json_files import Files
from ptmtorrent_scrapy.verification.lfs_objects import Objects
from ptmtorrent_scrapy.verification.unknown_files import UnknownFiles

_AHEAD = 4  # waiting tasks per worker
T = TypeVar("T")
R = TypeVar("R")
Advance = Callable[[str, int, int | None], object]  # called with the activity, the number done, and the total if known


class Verification:
    """Checks everything in the tree of a hub, or a share of its clones, objects and records.

    Memory holds one line per clone and 32 bytes per LFS file.
    """

    def __init__(
        self,
        tree: DataTree,
        repository: CloneRequest,
        pages: Sequence[str],
        *,
        workers: int,
        share: float,
        advance: Advance,
        reads_large_files: bool = True,
    ) -> None:
        """Prepare it; without `reads_large_files` the caller checks the content of the store."""
        self.tree = tree
        self.objects = Objects(tree)
        self._strays = UnknownFiles(tree, pages)
        self._clones = Clones(tree, repository)
        self._files = Files(tree, share, lambda read: advance("records", read, None))
        self._workers = workers
        self._share = share
        self._advance = advance
        self._reads_large_files = reads_large_files
        self.lines: dict[str, dict[str, Any]] = {}  # of repositories.jsonl, by AUTHOR/MODEL
        self.checked = 0  # clones and objects

    def run(self, report: Report) -> None:
        """Report all problems. Raise `Cancelled`."""
        self._report(report, self._owner())
        self.lines, found = self._files.lines()
        self._report(report, found, self._files.other_lines(), self._files.records(), self._strays.find(self.lines))
        named = self._check_clones(report)
        if self._reads_large_files:
            self._check_objects(report, named)

    def _owner(self) -> Iterator[Finding]:
        if owner := other_owner([self.tree.folder, self.tree.folder / "repos"]):
            yield Finding(
                hub=self.tree.hub, kind=Kind.OTHER_OWNER, path=".", detail=f"{owner}; crawls work nevertheless"
            )

    def _report(self, report: Report, *found: Iterable[Finding]) -> None:
        for problems in found:
            for problem in problems:
                report(problem)

    def _check_clones(self, report: Report) -> set[bytes]:
        """Report the problems of clones; return the ids of the LFS files that the checked ones name."""
        named: set[bytes] = set()
        sampled = [folder for folder in self.lines if is_sampled(folder, self._share)]
        for folder in self.lines:
            if not (self.tree.repository(folder) / ".git").is_dir():
                report(self._clones.problem(Kind.CLONE_MISSING, folder, "repositories.jsonl lists it"))
        sampled = [folder for folder in sampled if (self.tree.repository(folder) / ".git").is_dir()]
        for done, (found, oids) in enumerate(self._each(self.check_clone, sampled), 1):
            self._report(report, found)
            named.update(map(bytes.fromhex, oids))
            self._advance("clones", done, len(sampled))
        self.checked += len(sampled)
        return named

    def check_clone(self, folder: str) -> tuple[list[Finding], set[str]]:
        """Return the problems of a clone, and the ids of the LFS files at its HEAD."""
        return self._clones.check(folder, self.lines.get(folder))

    def _check_objects(self, report: Report, named: set[bytes]) -> None:
        total = sum(1 for _ in self.objects.paths())
        sampled = (path for path in self.objects.paths() if is_sampled(path.name, self._share))
        for done, problem in enumerate(self._each(self.objects.check, sampled), 1):
            if problem:
                report(problem)
            self._advance("large files", done, round(total * self._share))
            self.checked += 1
        if self._share == 1:  # otherwise unchecked clones may use them
            self._report(report, self.objects.unused(named))

    def _each(self, check: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
        """Yield the results in the order of completion, several at a time."""
        rest = iter(things)
        with ThreadPoolExecutor(self._workers) as pool:
            under_way: set[Future[R]] = {pool.submit(check, each) for each in islice(rest, self._workers * _AHEAD)}
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                under_way |= {pool.submit(check, each) for each in islice(rest, len(done))}
                for each in done:
                    yield each.result()
