"""Clone the repositories of a crawl: by rank, several at once."""

import asyncio
import contextlib
import logging
from dataclasses import replace
from pathlib import Path

from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.cloning.budget import Budget
from ptmtorrent_scrapy.cloning.commit_checks import CommitChecks
from ptmtorrent_scrapy.cloning.ending import Ending
from ptmtorrent_scrapy.cloning.executor import CloneExecutor, WorkerLost
from ptmtorrent_scrapy.cloning.file_list import write_file_list
from ptmtorrent_scrapy.cloning.job_outcomes import PASSING
from ptmtorrent_scrapy.cloning.jobs import WORTH_A_LINE, CloneJobs
from ptmtorrent_scrapy.cloning.parts import CloneParts
from ptmtorrent_scrapy.cloning.reconcile import reconcile
from ptmtorrent_scrapy.cloning.renames import recognise
from ptmtorrent_scrapy.cloning.requests import CloneRequests
from ptmtorrent_scrapy.cloning.results import CloneResults
from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.backoff import backoff
from ptmtorrent_scrapy.crawl.collected import measure
from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.crawl.renamed_clones import UnlistedClone
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.git.blobs import contents
from ptmtorrent_scrapy.git.clone import clone, redirected
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.last_commits import last_commits
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, CloneStatus, FailureKind

logger = logging.getLogger(__name__)

_SAMPLE_BYTES = 1 << 30  # of LFS objects that are checked before the clones


class CloneService:
    """Clones the chosen repositories, and asks for the commits of the others if the hub does not provide them."""

    def __init__(
        self, crawl: CrawlSession, stats: StatsCollector, settings: CloneSettings, executor: CloneExecutor
    ) -> None:
        self._crawl = crawl
        self._stats = stats
        self._settings = settings
        self._executor = executor
        self._requests = CloneRequests(crawl.tree, crawl.state, settings)
        self._ending = Ending(crawl.state)
        self._budget = Budget(crawl.tree.folder, settings)
        self._results = CloneResults(crawl.tree, stats, crawl.state)
        self._parts = CloneParts(
            crawl=crawl,
            stats=stats,
            settings=settings,
            executor=executor,
            requests=self._requests,
            ending=self._ending,
            budget=self._budget,
            results=self._results,
        )
        self._jobs = CloneJobs(self._parts)

    @property
    def _listing(self) -> CrawlDatabase:
        return self._crawl.listing

    @property
    def _checks(self) -> CommitChecks:
        return self._parts.checks

    async def run(self, models: int, *, replaces: bool = False) -> FinishReason | None:
        """Clone for the first `models` models by rank; return why that ended early, or None. Raise `Cancelled`.

        With `replaces` the next ones replace those that are missing, empty or gated.
        """
        chosen, to_ask = self._listing.choose(models)
        self._stats.set_value("clone/chosen", chosen)
        self._stats.set_value("clone/to_ask", to_ask)
        if chosen or to_ask:
            await self._executor.start()
        self._results.has_changes |= await asyncio.to_thread(reconcile, self._listing, self._crawl.tree)
        await recognise(self._listing, self._redirected)
        await asyncio.to_thread(self._check_objects)
        jobs = await self._clone_all(after=0)
        if replaces:
            jobs = await self._clone_replacements(jobs, models)
        await self._finish(jobs)
        return self._ending.reason

    async def _clone_replacements(self, jobs: CloneScheduler, models: int) -> CloneScheduler:
        """Clone the next repositories by rank for those that are unavailable. Raise `Cancelled`."""
        outcomes = self._jobs.outcomes
        while outcomes.unavailable and not self._ending.stopped:
            after, short, outcomes.unavailable = self._listing.last_position(), outcomes.unavailable, 0
            if not (more := self._listing.choose_more(short, after=models)):
                break
            self._stats.inc_value("clone/chosen", more)
            models += short
            jobs = await self._clone_all(after=after)
        return jobs

    async def _finish(self, jobs: CloneScheduler) -> None:
        """Write all results, and judge them together."""
        await asyncio.to_thread(Store(self._crawl.tree.store).tidy)
        self._results.write(self._listing)
        await self._write_file_list()
        if jobs.are_all_given_up:
            problem = "no host of the repositories answers: check the network and crawl again"
            self._ending.lack(FinishReason.UNREACHABLE, problem)
        self._ending.judge()
        with contextlib.suppress(OSError):  # the summary reports it
            self._crawl.state.collected = await asyncio.to_thread(measure, self._crawl.tree, self._crawl.state.started)

    async def _clone_all(self, *, after: int) -> CloneScheduler:
        """Clone the repositories after a position. Raise `Cancelled`."""
        places = self._settings.concurrency
        jobs = CloneScheduler(
            self._listing, pause=self._settings.pause, max_wait=self._settings.max_wait, places=places, after=after
        )
        work = (self._jobs.work(jobs) for _ in range(places))
        for ended in await asyncio.gather(*work, return_exceptions=True):
            if ended is not None:
                raise ended
        return jobs

    async def clone_now(self, url: str, folder: str) -> CloneResult:
        """Clone one repository before the others: its files are the listing of a hub.

        The `path` of the result is absolute. Raise `Cancelled`, `ClusterLost`.
        """
        if full := self._budget.full():
            return CloneResult(url=url, error=full)
        await self._executor.start()
        for tries in range(self._settings.retries + 1):
            is_last = tries == self._settings.retries
            with self._budget.reserve(self._budget.left or 0):
                request = self._requests.of(url, folder, read_files=(), budget=self._budget.left)
                result = await self._clone_or_lost(replace(request, accept_partial=is_last))
                self._budget.count(result.downloaded_bytes)
            if result.failure not in PASSING or is_last:
                break
            pause = backoff(self._settings.pause, tries) if result.pause is None else result.pause
            pause = min(pause, self._settings.max_wait)
            if pause > WORTH_A_LINE:
                logger.info("waiting %d seconds before %s: %s", pause, url, result.error)
            await asyncio.sleep(pause)
        self._results.add(self._listing, replace(result, path=self._parts.relative(result.path)), quiet=True)
        self._results.write(self._listing)
        return result

    async def last_commits(self, path: Path) -> dict[str, str]:
        """Return the last commit that changed each file and folder of a clone. Raise `GitError`."""
        common = self._settings.repository
        return await asyncio.to_thread(last_commits, path, scope=common.scope, timeout=common.timeout)

    async def contents(self, path: Path, names: list[str]) -> dict[str, bytes]:
        """Return the contents of small files of a clone's HEAD, by name. Raise `GitError`."""
        common = self._settings.repository
        git = Command(scope=common.scope, environment=environment(timeout=common.timeout), timeout=common.timeout)
        readable = [name for name in names if "\n" not in name]
        return await asyncio.to_thread(contents, git, path, "HEAD", readable)

    def refuse(self, url: str, reason: str) -> None:
        """Note that a repository is not cloned because of its name or URL."""
        self._results.add(self._listing, CloneResult(url=url, status=CloneStatus.REFUSED, error=reason))

    async def close(self) -> None:
        """End what still runs; the next crawl continues what was started."""
        await self._executor.close()
        await self._crawl.settled()
        try:
            if self._results.unwritten and self._listing.is_intact:
                self._results.write(self._listing)
                await self._write_file_list()
        except OSError as error:
            if self._crawl.state.problem is None:  # otherwise the problem was logged before
                self._ending.stop(FinishReason.FAILED, f"{self._crawl.tree.repositories}: {error.strerror}")

    async def _write_file_list(self) -> None:
        """Write files.jsonl again, unless no clone has changed."""
        if self._results.has_changes or not self._crawl.tree.files.exists():
            await asyncio.to_thread(write_file_list, self._crawl.tree)
            self._results.has_changes = False

    def _check_objects(self) -> None:
        """Check some of the LFS objects, so that the clones of damaged ones fetch them again."""
        if damaged := Store(self._crawl.tree.store).check_sample(_SAMPLE_BYTES):
            logger.warning(
                "%s damaged on the disk, the first is %s; a crawl of their repositories downloads them again",
                *(counted(len(damaged), "LFS object is", "LFS objects are"), damaged[0]),
            )

    async def _clone_or_lost(self, request: CloneRequest) -> CloneResult:
        try:
            return await self._executor.run(clone, request)
        except WorkerLost as error:
            return CloneResult(url=request.url, error=str(error), failure=FailureKind.RETRY)

    async def _redirected(self, unlisted: UnlistedClone) -> str | None:
        """Return the URL that the server redirects to; asked no more often than for a commit."""
        if self._checks.of(unlisted.url) is not None:
            return None
        try:
            return await self._executor.run(redirected, self._requests.redirect(unlisted.url))
        except Cancelled:
            raise
        except (GitError, WorkerLost):
            return None
        finally:
            line = self._listing.result(unlisted.url)
            self._checks.note(unlisted.url, hub_id=unlisted.hub_id, commit=line.get("commit"))
