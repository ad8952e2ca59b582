"""Work on the jobs of the scheduler: clone a repository, ask for its commit, or record why neither is possible."""

import logging

from ptmtorrent_scrapy.cloning.executor import WorkerLost
from ptmtorrent_scrapy.cloning.job_outcomes import PASSING, JobOutcomes
from ptmtorrent_scrapy.cloning.parts import CloneParts
from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler, Job
from ptmtorrent_scrapy.crawl.database import ListedRepository
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.git.clone import clone, head_commit
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.models import CloneResult, CloneStatus, FailureKind, LfsMode

logger = logging.getLogger(__name__)

WORTH_A_LINE = 60.0  # seconds of a pause
_OF_MACHINE = (FailureKind.DISK_FULL, FailureKind.DISK, FailureKind.MACHINE)  # never a repository's fault


class CloneJobs:
    """Works on jobs, in several coroutines at once."""

    def __init__(self, parts: CloneParts) -> None:
        self._parts = parts
        self._crawl, self._stats, self._settings = parts.crawl, parts.stats, parts.settings
        self._executor, self._requests, self._ending = parts.executor, parts.requests, parts.ending
        self._budget = parts.budget
        self.outcomes = JobOutcomes(parts)
        self._needed: dict[str, int] = {}  # bytes of repositories that were over their share, by URL

    async def work(self, jobs: CloneScheduler) -> None:
        """Process one repository after the other; an exception in one coroutine ends all."""
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
        """Settle a repository without its server if possible, else clone it or ask for its commit."""
        expected = self._expected_bytes(job.listed)
        if result := self._result_without_server(job, jobs, expected):
            await self.outcomes.keep_clone(job, result)
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
        if other := self._parts.listing.other_in_folder(listed.url, listed.folder):
            error = f"repos/{listed.folder} is a clone of {other}: move it away, and crawl again"
            return CloneResult(url=listed.url, status=CloneStatus.REFUSED, error=error, attempts=0)
        if too_large := self._budget.exceeds_total(expected):
            return CloneResult(url=listed.url, error=too_large, attempts=0)
        return self._parts.checks.absent(listed)

    def _expected_bytes(self, listed: ListedRepository) -> int:
        """Return the bytes that a clone will download, as far as they are known."""
        if listed.url in self._needed:
            return self._needed[listed.url]
        exists = (self._crawl.tree.repository(listed.folder) / ".git").is_dir()
        return 0 if exists or self._settings.repository.lfs not in (LfsMode.AUTO, LfsMode.ALL) else listed.bytes or 0

    async def _clone(self, job: Job, jobs: CloneScheduler) -> None:
        listed, is_last = job.listed, job.tries >= self._settings.retries
        commit = self._parts.checks.commit(listed)
        try:
            result = await self._cloned(listed, commit, accept_partial=is_last)
        except WorkerLost as error:
            self._lose(job, jobs, error)
            return
        self._react(result, listed, jobs)
        if result.failure in _OF_MACHINE or (self._ending.stopped and result.failure == FailureKind.BUDGET):
            jobs.done(job, well=False)  # without a line: the next crawl clones it
        elif result.failure == FailureKind.BUDGET:
            jobs.requeue(job)
        elif result.failure in PASSING and not is_last and not self._ending.stopped:
            jobs.retry(job)
        else:
            result.attempts = job.tries + 1
            self.outcomes.note_check(listed, commit, result)
            await self.outcomes.keep_clone(job, result)
            jobs.done(job, well=result.failure in (None, FailureKind.LACKS_ROOM))

    async def _cloned(self, listed: ListedRepository, commit: str | None, *, accept_partial: bool) -> CloneResult:
        """Return the result of a clone within the budget. Raise `WorkerLost`."""
        with self._budget.reserve(self._expected_bytes(listed)) as budget:
            request = self._requests.listed(listed, commit=commit, budget=budget, accept_partial=accept_partial)
            self._crawl.state.cloning.add(listed.folder)
            try:
                result = await self._executor.run(clone, request)
            finally:
                self._crawl.state.cloning.discard(listed.folder)
            self._budget.count(result.downloaded_bytes)
        if result.status == CloneStatus.FAILED and result.failure is None and self._budget.is_exhausted():
            result.failure = FailureKind.DISK_FULL  # whatever git calls it
        return result

    def _react(self, result: CloneResult, listed: ListedRepository, jobs: CloneScheduler) -> None:
        """Apply the failure of one clone to the rest of the crawl."""
        folder = self._crawl.tree.folder
        if result.failure == FailureKind.DISK_FULL:
            self._ending.stop(FinishReason.NO_SPACE, f"{folder} is full: free some space and crawl again")
        elif result.failure == FailureKind.LACKS_ROOM:
            problem = f"{folder} has not enough space for all large files: free some space and crawl again"
            self._ending.lack(FinishReason.NO_SPACE, problem)
        elif result.failure in (FailureKind.DISK, FailureKind.MACHINE):
            self._ending.stop(
                FinishReason.FAILED, f"{listed.url}: {result.error}; correct this on this machine and crawl again"
            )
        elif result.failure == FailureKind.BUDGET:
            self._needed[listed.url] = result.needed or 0
        elif result.failure == FailureKind.HOST:
            self._pause(listed.host, result, jobs)
        elif result.failure == FailureKind.INTERNAL:
            self._crawl.state.faults += 1

    def _pause(self, host: str, result: CloneResult, jobs: CloneScheduler) -> None:
        """Pause a host that is overloaded or does not answer; log pauses of more than a minute."""
        seconds = jobs.pause_host(host, result.pause)
        self._crawl.state.paused[host] = jobs.paused_until(host)
        if seconds > WORTH_A_LINE:
            logger.info("waiting %d seconds before repositories of %s: %s", seconds, host, result.error)

    def _lose(self, job: Job, jobs: CloneScheduler, error: WorkerLost) -> None:
        """Requeue the clone of a machine that failed; after the last attempt, leave it to the next crawl."""
        logger.warning("%s: %s", job.listed.url, error)
        if job.tries < self._settings.retries and not self._ending.stopped:
            jobs.retry(job)
        else:
            self._ending.lack(FinishReason.FAILED, f"{job.listed.url}: {error}; crawl again")
            jobs.done(job, well=False)

    async def _ask(self, job: Job, jobs: CloneScheduler) -> None:
        """Ask the server of a repository that is not cloned for its commit."""
        listed, known = job.listed, self._parts.checks.commit(job.listed)
        self._stats.inc_value("clone/commits_asked")
        try:
            commit, files = await self._executor.run(head_commit, self._requests.listed(listed, commit=known))
        except Cancelled:
            raise
        except WorkerLost as error:
            self._lose(job, jobs, error)
            return
        except GitError as error:
            await self.outcomes.keep_refusal(listed, error)
            jobs.done(job, well=False)
            return
        self.outcomes.keep_commit(listed, commit, files, is_new=known is None)
        jobs.done(job, well=True)
