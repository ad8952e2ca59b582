"""Works on the jobs of the scheduler: clones a repository, asks for its commit, or says why neither is done."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

import orjson
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.cloning.budget import Budget
from ptmtorrent_scrapy.cloning.commit_checks import CommitChecks
from ptmtorrent_scrapy.cloning.ending import Ending
from ptmtorrent_scrapy.cloning.executor import CloneExecutor, WorkerLost
from ptmtorrent_scrapy.cloning.requests import CloneRequests
from ptmtorrent_scrapy.cloning.results import CloneResults
from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler, Job
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.database import CrawlDatabase, ListedRepository
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.formats.encoding import decoded
from ptmtorrent_scrapy.git.clone import clone, head_commit
from ptmtorrent_scrapy.git.errors import Cancelled, Gated, GitError, Large, Missing, Refused
from ptmtorrent_scrapy.git.models import USABLE, CloneResult, CloneStatus, FailureKind, LfsMode

logger = logging.getLogger(__name__)

PASSING = (FailureKind.RETRY, FailureKind.HOST)
_OF_MACHINE = (FailureKind.DISK_FULL, FailureKind.DISK, FailureKind.MACHINE)  # never a repository's fault
_UNAVAILABLE = (CloneStatus.MISSING, CloneStatus.EMPTY, CloneStatus.GATED)


@dataclass(kw_only=True)
class CloneParts:
    """State that the clones of one crawl share."""

    crawl: CrawlSession
    stats: StatsCollector
    settings: CloneSettings
    executor: CloneExecutor
    requests: CloneRequests
    ending: Ending
    budget: Budget
    results: CloneResults

    @property
    def listing(self) -> CrawlDatabase:
        return self.crawl.listing

    @property
    def checks(self) -> CommitChecks:
        return CommitChecks(self.listing, refresh=self.settings.refresh)

    def relative(self, path: str | None) -> str | None:
        """Return the path of a clone below the hub's folder."""
        return path and str(Path(path).relative_to(self.crawl.tree.folder.absolute()))


class CloneJobs:
    """Works on jobs; several coroutines do so at once."""

    def __init__(self, parts: CloneParts) -> None:
        self._parts = parts
        self._crawl, self._stats, self._settings = parts.crawl, parts.stats, parts.settings
        self._executor, self._requests, self._ending = parts.executor, parts.requests, parts.ending
        self._budget, self._results = parts.budget, parts.results
        self.unavailable = 0  # chosen repositories that do not exist, are empty or gated
        self._needed: dict[str, int] = {}  # bytes of repositories that were over their share, by URL

    @property
    def _listing(self) -> CrawlDatabase:
        return self._parts.listing

    @property
    def _checks(self) -> CommitChecks:
        return self._parts.checks

    async def work(self, jobs: CloneScheduler) -> None:
        """Take one repository after the other; an exception in one worker ends all."""
        try:
            while not self._ending.stopped and (job := await jobs.next()):
                await self._take(job, jobs)
            jobs.stop()
        except BaseException:
            self._ending.stopped = self._ending.stopped or FinishReason.CANCELLED
            jobs.stop()
            await self._executor.cancel()
            raise

    async def _take(self, job: Job, jobs: CloneScheduler) -> None:
        """Settle a repository without its server where that is possible, else clone it or ask for its commit."""
        expected = self._expected_bytes(job.listed)
        if result := self._result_without_server(job, jobs, expected):
            await self._settle(job, result)
            jobs.done(job, well=False)
        elif not job.listed.chosen:
            await self._ask(job, jobs)
        elif self._budget.is_reserved(expected):
            jobs.requeue(job)
        elif reason := self._budget.blocking_reason(expected):
            self._ending.stop(*reason)
            jobs.done(job, well=False)
        else:
            await self._clone(job, jobs)

    def _result_without_server(self, job: Job, jobs: CloneScheduler, expected: int) -> CloneResult | None:
        listed = job.listed
        if jobs.is_given_up(listed.host):
            return CloneResult(url=listed.url, error=f"{listed.host} was given up", attempts=job.tries)
        if not listed.chosen:
            return None
        if other := self._listing.other_in_folder(listed.url, listed.folder):
            error = f"repos/{listed.folder} is a clone of {other}: move it away, and crawl again"
            return CloneResult(url=listed.url, status=CloneStatus.REFUSED, error=error, attempts=0)
        if too_large := self._budget.exceeds_total(expected):
            return CloneResult(url=listed.url, error=too_large, attempts=0)
        return self._checks.absent(listed)

    def _expected_bytes(self, listed: ListedRepository) -> int:
        """Return the bytes that a clone will fetch, as far as is known."""
        if listed.url in self._needed:
            return self._needed[listed.url]
        exists = (self._crawl.tree.repository(listed.folder) / ".git").is_dir()
        return 0 if exists or self._settings.repository.lfs not in (LfsMode.AUTO, LfsMode.ALL) else listed.bytes or 0

    async def _clone(self, job: Job, jobs: CloneScheduler) -> None:
        listed, is_last = job.listed, job.tries >= self._settings.retries
        commit = self._checks.commit(listed)
        with self._budget.reserve(self._expected_bytes(listed)) as budget:
            request = self._requests.listed(listed, commit=commit, budget=budget, accept_partial=is_last)
            self._crawl.state.cloning.add(listed.folder)
            try:
                result = await self._executor.run(clone, request)
            except WorkerLost as error:
                self._lose(job, jobs, error)
                return
            finally:
                self._crawl.state.cloning.discard(listed.folder)
            self._budget.count(result.downloaded_bytes)
        if result.status == CloneStatus.FAILED and result.failure is None and self._budget.is_exhausted():
            result.failure = FailureKind.DISK_FULL  # whatever git calls it
        self._react(result, listed, jobs)
        if result.failure in _OF_MACHINE or (self._ending.stopped and result.failure == FailureKind.BUDGET):
            jobs.done(job, well=False)  # without a line: the next crawl clones it
        elif result.failure == FailureKind.BUDGET:
            jobs.requeue(job)
        elif result.failure in PASSING and not is_last and not self._ending.stopped:
            jobs.retry(job)
        else:
            result.attempts = job.tries + 1
            self._note_check(listed, commit, result)
            await self._settle(job, result)
            jobs.done(job, well=result.failure in (None, FailureKind.LACKS_ROOM))

    def _react(self, result: CloneResult, listed: ListedRepository, jobs: CloneScheduler) -> None:
        """Apply the failure of one clone to the rest of the crawl."""
        folder = self._crawl.tree.folder
        if result.failure == FailureKind.DISK_FULL:
            self._ending.stop(FinishReason.NO_SPACE, f"{folder} is full: make room and crawl again")
        elif result.failure == FailureKind.LACKS_ROOM:
            problem = f"{folder} has not enough space for all large files: free some space and crawl again"
            self._ending.lack(FinishReason.NO_SPACE, problem)
        elif result.failure in (FailureKind.DISK, FailureKind.MACHINE):
            self._ending.stop(FinishReason.FAILED, f"{listed.url}: {result.error}; see to this machine and crawl again")
        elif result.failure == FailureKind.BUDGET:
            self._needed[listed.url] = result.needed or 0
        elif result.failure == FailureKind.HOST:
            jobs.pause_host(listed.host, result.pause)
        elif result.failure == FailureKind.INTERNAL:
            self._crawl.state.faults += 1

    def _lose(self, job: Job, jobs: CloneScheduler, error: WorkerLost) -> None:
        """Let others clone what the machine that failed had under way; in the end the next crawl does."""
        logger.warning("%s: %s", job.listed.url, error)
        if job.tries < self._settings.retries and not self._ending.stopped:
            jobs.retry(job)
        else:
            self._ending.lack(FinishReason.FAILED, f"{job.listed.url}: {error}; crawl again")
            jobs.done(job, well=False)

    def _note_check(self, listed: ListedRepository, commit: str | None, result: CloneResult) -> None:
        """Note which commit the server gave, where it was asked, and by which id the hub knows the repository."""
        if result.status == CloneStatus.FAILED:
            if result.failure in PASSING:
                self._ending.unanswered(result.error or "")
            return
        self._ending.answered()
        if commit is None:
            cloned = result.commit if result.status in USABLE else None
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=cloned)
        elif listed.commit and listed.hub_id:
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=commit)

    async def _settle(self, job: Job, result: CloneResult) -> None:
        """Keep the result of a repository: this crawl does nothing more about it."""
        result.path = self._parts.relative(result.path)
        if job.listed.chosen:
            self.unavailable += result.status in _UNAVAILABLE
            self._results.add(self._listing, result)
            self._ending.note(result)
            self._stats.inc_value("clone/done")
        if job.listed.previous_path and result.path:
            self._listing.forget(job.listed.previous_path)
        problem = f"{result.status}: {result.error}" if result.error else str(result.status)
        if result.status == CloneStatus.FAILED:
            await self._keep_commit(job.listed, problem)
        else:
            self._set_found(job.listed, result.commit, problem, result.files)

    async def _keep_commit(self, listed: ListedRepository, problem: str) -> None:
        """Use the last known commit of a repository that could not be asked; without one its models are lost."""
        commit = listed.commit or self._known_commit(listed)
        files: dict[str, bytes] = {}
        if commit is None:
            self._crawl.state.passing_losses += self._listing.models_of(listed.url)
        else:
            if listed.commit is None:
                self._stats.inc_value("clone/not_checked")
            request = self._requests.listed(listed, commit=commit)  # asks no server
            try:
                _, files = await asyncio.to_thread(head_commit, request)
            except Cancelled:
                raise
            except (GitError, OSError) as error:
                logger.warning("%s: its files cannot be read: %s", listed.url, error)
        self._set_found(listed, commit, problem, files)

    def _known_commit(self, listed: ListedRepository) -> str | None:
        line = orjson.loads(self._listing.result(listed.url) or b"{}")
        return (line.get("commit") if line.get("path") else None) or self._checks.last_known(listed.url)

    def _set_found(self, listed: ListedRepository, commit: str | None, problem: str, files: dict[str, bytes]) -> None:
        text = {name: decoded(content) for name, content in files.items()}
        self._listing.set_found(listed.url, commit=commit, problem=problem, files=orjson.dumps(text))

    async def _ask(self, job: Job, jobs: CloneScheduler) -> None:
        """Ask the server of a repository that is not cloned for its commit."""
        listed, known = job.listed, self._checks.commit(job.listed)
        self._stats.inc_value("clone/commits_asked")
        try:
            commit, files = await self._executor.run(head_commit, self._requests.listed(listed, commit=known))
        except Cancelled:
            raise
        except WorkerLost as error:
            self._lose(job, jobs, error)
            return
        except GitError as error:
            await self._note_unasked(listed, error)
            jobs.done(job, well=False)
            return
        self._ending.answered()
        self._set_found(listed, commit, "empty", files)
        if known is None and commit is not None:
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=commit)
        jobs.done(job, well=True)

    async def _note_unasked(self, listed: ListedRepository, error: GitError) -> None:
        if isinstance(error, Missing | Gated | Refused | Large):
            self._ending.answered()
            self._set_found(listed, None, str(error), {})
        else:
            self._ending.unanswered(str(error))
            await self._keep_commit(listed, str(error))
