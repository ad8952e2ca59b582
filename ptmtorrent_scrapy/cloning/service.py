"""Clones the repositories of a crawl: one after the other by rank, several at once."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import orjson
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.cloning.budget import Budget
from ptmtorrent_scrapy.cloning.commit_checks import CommitChecks
from ptmtorrent_scrapy.cloning.executor import CloneExecutor
from ptmtorrent_scrapy.cloning.renames import recognise
from ptmtorrent_scrapy.cloning.results import CloneResults
from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler, Job
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.database import ListedRepository, UnlistedClone
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.git.clone import clone, head_commit, redirected
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.last_commits import last_commits
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import USABLE, CloneRequest, CloneResult, CloneStatus, FailureKind

logger = logging.getLogger(__name__)
T = TypeVar("T")

_PASSING = (FailureKind.RETRY, FailureKind.HOST)
_REDIRECT_TIMEOUT = 60  # seconds to wait for the server of a repository that may have been renamed


class CloneService:
    """Clones the chosen repositories, and asks the others for their commit where the hub gives none."""

    def __init__(
        self, crawl: CrawlSession, stats: StatsCollector, settings: CloneSettings, workers: CloneExecutor
    ) -> None:
        self._crawl = crawl
        self._stats = stats
        self._settings = settings
        self._workers = workers
        self._scope = settings.repository.scope
        self._stopped: FinishReason | None = None  # why no further clone is started
        self._incomplete: FinishReason | None = None  # why something is missing from what was cloned
        self._needed: dict[str, int] = {}  # bytes of repositories that were over their share, by URL
        self._budget = Budget(crawl.tree.folder, settings)
        self._results = CloneResults(crawl.tree, stats)

    @property
    def _checks(self) -> CommitChecks:
        return CommitChecks(self._crawl.listing, refresh=self._settings.refresh)

    async def run(self, models: int) -> FinishReason | None:
        """Clone for the first `models` ones by rank; return why that ended early, if it did. Raises `Cancelled`."""
        listing = self._crawl.listing
        chosen, asked = listing.choose(models)
        self._stats.set_value("clone/chosen", chosen)
        self._stats.set_value("clone/asked", asked)
        await recognise(listing, self._redirected)
        jobs = CloneScheduler(listing, pause=self._settings.pause)
        work = (self._work(jobs) for _ in range(self._settings.concurrency))
        for ended in await asyncio.gather(*work, return_exceptions=True):
            if ended is not None:
                raise ended
        await asyncio.to_thread(Store(self._crawl.tree.store).tidy)
        self._results.write(listing)
        if jobs.are_all_given_up:
            self._lack(FinishReason.UNREACHABLE, "none of the hosts of the repositories answers: look at them")
        return self._stopped or self._incomplete

    async def clone_now(self, url: str, folder: str) -> CloneResult:
        """Clone one repository before the others: the one that a hub's listing is read from.

        The `path` of the result is absolute. Raises `Cancelled`.
        """
        repository = self._request(url, folder, read_files=())
        if full := self._budget.full():
            return CloneResult(url=url, error=full)
        for tries in range(self._settings.retries + 1):
            with self._budget.reserve(self._budget.left or 0):
                is_last = tries == self._settings.retries
                result = await self._run(clone, replace(repository, budget=self._budget.left, accept_partial=is_last))
                self._budget.count(result.downloaded_bytes)
            if result.failure not in _PASSING:
                break
            await asyncio.sleep(self._settings.pause * 2**tries if result.pause is None else result.pause)
        self._results.add(self._crawl.listing, replace(result, path=self._relative(result.path)), quiet=True)
        return result

    async def last_commits(self, path: Path) -> dict[str, str]:
        """Return the last commit that touched each file and folder of a clone. Raises `GitError`."""
        return await asyncio.to_thread(last_commits, path, scope=self._scope, timeout=self._settings.repository.timeout)

    def refuse(self, url: str, reason: str) -> None:
        """Note that a repository is not cloned because of its name or URL."""
        self._results.add(self._crawl.listing, CloneResult(url=url, status=CloneStatus.REFUSED, error=reason))

    async def close(self) -> None:
        """End what still runs; the next crawl continues with what was begun."""
        await asyncio.to_thread(self._workers.close, self._scope)
        await self._crawl.settled()
        if self._results.unwritten:
            self._results.write(self._crawl.listing)

    async def _work(self, jobs: CloneScheduler) -> None:
        """Take one repository after the other; an exception in one worker ends all."""
        try:
            while not self._stopped and (job := await jobs.next()):
                await self._take(job, jobs)
            jobs.stop()
        except BaseException:
            self._stopped = self._stopped or FinishReason.CANCELLED
            jobs.stop()
            await asyncio.to_thread(self._workers.cancel, self._scope)
            raise

    async def _take(self, job: Job, jobs: CloneScheduler) -> None:
        """Settle a repository without its server where that is possible, else clone it or ask for its commit."""
        expected = self._expected_bytes(job.listed)
        if result := self._result_without_server(job, jobs, expected):
            self._settle(job, result)
            jobs.done(job, well=False)
        elif not job.listed.chosen:
            await self._ask(job.listed)
            jobs.done(job, well=True)
        elif self._budget.is_reserved(expected):
            jobs.requeue(job)
        elif reason := self._budget.blocking_reason(expected):
            self._stop(*reason)
            jobs.done(job, well=False)
        else:
            await self._clone(job, jobs)

    def _result_without_server(self, job: Job, jobs: CloneScheduler, expected: int) -> CloneResult | None:
        listed = job.listed
        if jobs.is_given_up(listed.host):
            return CloneResult(url=listed.url, error=f"{listed.host} was given up", attempts=job.tries)
        if not listed.chosen:
            return None
        if too_large := self._budget.exceeds_total(expected):
            return CloneResult(url=listed.url, error=too_large, attempts=0)
        return self._checks.absent(listed)

    def _expected_bytes(self, listed: ListedRepository) -> int:
        """Return the bytes that a clone will fetch, as far as is known."""
        if listed.url in self._needed:
            return self._needed[listed.url]
        exists = (self._crawl.tree.repository(listed.folder) / ".git").is_dir()
        return 0 if exists or self._settings.repository.lfs not in ("auto", "all") else listed.bytes or 0

    async def _clone(self, job: Job, jobs: CloneScheduler) -> None:
        listed, is_last = job.listed, job.tries >= self._settings.retries
        commit = self._checks.commit(listed)
        with self._budget.reserve(self._expected_bytes(listed)) as budget:
            former = listed.former and str((self._crawl.tree.folder / listed.former).absolute())
            request = self._listed_request(
                listed, commit=commit, budget=budget, accept_partial=is_last, previous_path=former
            )
            result = await self._run(clone, request)
            self._budget.count(result.downloaded_bytes)
        self._react(result, listed, jobs)
        if self._stopped and result.failure in (FailureKind.DISK_FULL, FailureKind.BUDGET):
            jobs.done(job, well=False)  # without a line: the next crawl clones it
        elif result.failure == FailureKind.BUDGET:
            jobs.requeue(job)
        elif result.failure in _PASSING and not is_last and not self._stopped:
            jobs.retry(job)
        else:
            result.attempts = job.tries + 1
            self._settle(job, result)
            self._note_check(listed, commit, result)
            jobs.done(job, well=result.failure in (None, FailureKind.LACKS_ROOM))

    def _react(self, result: CloneResult, listed: ListedRepository, jobs: CloneScheduler) -> None:
        """Apply the failure of one clone to the rest of the crawl."""
        folder = self._crawl.tree.folder
        if result.failure == FailureKind.DISK_FULL:
            self._stop(FinishReason.NO_SPACE, f"{folder} is full: make room")
        elif result.failure == FailureKind.LACKS_ROOM:
            self._lack(FinishReason.NO_SPACE, f"{folder} has no room for all large files: make room")
        elif result.failure == FailureKind.BUDGET:
            self._needed[listed.url] = result.needed or 0
        elif result.failure == FailureKind.HOST:
            jobs.pause_host(listed.host, result.pause)
        elif result.failure == FailureKind.INTERNAL:
            self._crawl.state.faults += 1

    def _note_check(self, listed: ListedRepository, commit: str | None, result: CloneResult) -> None:
        """Note which commit the server gave, where it was asked, and by which id the hub knows the repository."""
        if commit is None:
            cloned = result.commit if result.status in USABLE else None
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=cloned)
        elif listed.commit and listed.hub_id:
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=commit)

    def _stop(self, reason: FinishReason, problem: str) -> None:
        """Start no further clone; those under way are finished."""
        if not self._stopped:
            self._stopped = reason
            self._crawl.state.problem = f"{problem} and crawl again"
            logger.error("%s", self._crawl.state.problem)

    def _lack(self, reason: FinishReason, problem: str) -> None:
        """Note that something is missing, and continue."""
        if not self._incomplete:
            self._incomplete = reason
            self._crawl.state.problem = f"{problem} and crawl again"
            logger.error("%s", self._crawl.state.problem)

    async def _run(self, function: Callable[[CloneRequest], CloneResult], request: CloneRequest) -> CloneResult:
        """Return what became of a repository, wherever it is cloned. Raises `Cancelled`, `ClusterLost`."""
        try:
            return await asyncio.wrap_future(self._workers.executor.submit(function, request))
        except self._workers.lost as error:
            self._workers.check()
            return CloneResult(url=request.url, error=f"its worker was lost: {error}", failure=FailureKind.RETRY)

    def _settle(self, job: Job, result: CloneResult) -> None:
        """Keep the result of a repository: this crawl does nothing more about it."""
        listing = self._crawl.listing
        result.path = self._relative(result.path)
        if job.listed.chosen:
            self._results.add(listing, result)
            self._stats.inc_value("clone/done")
        if job.listed.former and result.path:
            listing.forget(job.listed.former)
        problem = f"{result.status}: {result.error}" if result.error else result.status
        listing.set_found(job.listed.url, commit=result.commit, problem=problem, files=_text(result.files))

    def _relative(self, path: str | None) -> str | None:
        return path and str(Path(path).relative_to(self._crawl.tree.folder.absolute()))

    async def _ask(self, listed: ListedRepository) -> None:
        """Ask the server of a repository that is not cloned for its commit."""
        known = self._checks.commit(listed)
        commit: str | None = None
        files: dict[str, bytes] = {}
        problem = "empty"
        try:
            commit, files = await self._submit(head_commit, self._listed_request(listed, commit=known))
        except Cancelled:
            raise
        except GitError as error:
            problem = str(error)
        except self._workers.lost as error:
            problem = f"its worker was lost: {error}"
        self._stats.inc_value("clone/commits_asked")
        self._crawl.listing.set_found(listed.url, commit=commit, problem=problem, files=_text(files))
        if known is None and commit is not None:
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=commit)

    async def _redirected(self, unlisted: UnlistedClone) -> str | None:
        """Return the URL that the server redirects to; asked as seldom as for a commit."""
        if self._checks.of(unlisted.url) is not None:
            return None
        common = self._settings.repository
        request = replace(common, url=unlisted.url, timeout=min(common.timeout, _REDIRECT_TIMEOUT))
        try:
            return await self._submit(redirected, request)
        except Cancelled:
            raise
        except GitError:
            return None
        except self._workers.lost:
            return None
        finally:
            line = orjson.loads(self._crawl.listing.outcome(unlisted.url) or b"{}")
            self._checks.note(unlisted.url, hub_id=unlisted.hub_id, commit=line.get("commit"))

    async def _submit(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        return await asyncio.wrap_future(self._workers.executor.submit(function, request))

    def _listed_request(self, listed: ListedRepository, **more: Any) -> CloneRequest:
        return self._request(listed.url, listed.folder, gated=listed.gated, **more)

    def _request(self, url: str, folder: str, **more: Any) -> CloneRequest:
        path = str(self._crawl.tree.repository(folder).absolute())
        mirrors = self._settings.mirrors_of(url)
        return replace(self._settings.repository, url=url, path=path, mirrors=mirrors, **more)


def _text(files: dict[str, bytes]) -> bytes:
    return orjson.dumps({name: content.decode("utf-8", "replace") for name, content in files.items()})
