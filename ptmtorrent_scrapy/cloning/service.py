"""Clones the repositories of a crawl: by rank, several at once."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import orjson
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.cloning.budget import Budget
from ptmtorrent_scrapy.cloning.commit_checks import CommitChecks
from ptmtorrent_scrapy.cloning.ending import Ending
from ptmtorrent_scrapy.cloning.executor import CloneExecutor, WorkerLost
from ptmtorrent_scrapy.cloning.file_list import write_file_list
from ptmtorrent_scrapy.cloning.reconcile import reconcile
from ptmtorrent_scrapy.cloning.renames import recognise
from ptmtorrent_scrapy.cloning.requests import CloneRequests
from ptmtorrent_scrapy.cloning.results import CloneResults
from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler, Job
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.database import CrawlDatabase, ListedRepository, UnlistedClone
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.crawl.state import FinishReason
from ptmtorrent_scrapy.formats.encoding import decoded
from ptmtorrent_scrapy.git.blobs import contents
from ptmtorrent_scrapy.git.clone import clone, head_commit, redirected
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.errors import Cancelled, Gated, GitError, Large, Missing, Refused
from ptmtorrent_scrapy.git.last_commits import last_commits
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import USABLE, CloneRequest, CloneResult, CloneStatus, FailureKind, LfsMode

logger = logging.getLogger(__name__)

_PASSING = (FailureKind.RETRY, FailureKind.HOST)
_SAMPLE_BYTES = 1 << 30  # of LFS objects that are checked after the clones
_OF_MACHINE = (FailureKind.DISK_FULL, FailureKind.DISK, FailureKind.MACHINE)  # never a repository's fault
_UNAVAILABLE = (CloneStatus.MISSING, CloneStatus.EMPTY, CloneStatus.GATED)


class CloneService:
    """Clones the chosen repositories, and asks the others for their commit where the hub gives none."""

    def __init__(
        self, crawl: CrawlSession, stats: StatsCollector, settings: CloneSettings, executor: CloneExecutor
    ) -> None:
        self._crawl = crawl
        self._stats = stats
        self._settings = settings
        self._executor = executor
        self._requests = CloneRequests(crawl.tree, settings)
        self._ending = Ending(crawl.state)
        self._unavailable = 0  # chosen repositories that do not exist, are empty or gated
        self._needed: dict[str, int] = {}  # bytes of repositories that were over their share, by URL
        self._budget = Budget(crawl.tree.folder, settings)
        self._results = CloneResults(crawl.tree, stats, crawl.state)

    @property
    def _listing(self) -> CrawlDatabase:
        return self._crawl.listing

    @property
    def _checks(self) -> CommitChecks:
        return CommitChecks(self._listing, refresh=self._settings.refresh)

    async def run(self, models: int, *, replaces: bool = False) -> FinishReason | None:
        """Clone for the first `models` ones by rank; return why that ended early, if it did. Raises `Cancelled`.

        `replaces` takes the next ones for those that are missing, empty or gated.
        """
        chosen, asked = self._listing.choose(models)
        self._stats.set_value("clone/chosen", chosen)
        self._stats.set_value("clone/asked", asked)
        if chosen or asked:
            await self._executor.start()
        self._results.has_changes |= await asyncio.to_thread(reconcile, self._listing, self._crawl.tree)
        await recognise(self._listing, self._redirected)
        jobs = await self._clone_all(after=0)
        while replaces and self._unavailable and not self._ending.stopped:
            after, short, self._unavailable = self._listing.last_position(), self._unavailable, 0
            if not (more := self._listing.choose_more(short, after=models)):
                break
            self._stats.inc_value("clone/chosen", more)
            models += short
            jobs = await self._clone_all(after=after)
        await asyncio.to_thread(self._look_after_store)
        self._results.write(self._listing)
        await self._write_file_list()
        if jobs.are_all_given_up:
            problem = "none of the hosts of the repositories answers: look at them and crawl again"
            self._ending.lack(FinishReason.UNREACHABLE, problem)
        self._ending.judge()
        return self._ending.reason

    async def _clone_all(self, *, after: int) -> CloneScheduler:
        """Clone the repositories after a position. Raises `Cancelled`."""
        places = self._settings.concurrency
        jobs = CloneScheduler(self._listing, pause=self._settings.pause, places=places, after=after)
        work = (self._work(jobs) for _ in range(places))
        for ended in await asyncio.gather(*work, return_exceptions=True):
            if ended is not None:
                raise ended
        return jobs

    async def clone_now(self, url: str, folder: str) -> CloneResult:
        """Clone one repository before the others: its files are the listing of a hub.

        The `path` of the result is absolute. Raises `Cancelled`, `ClusterLost`.
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
            if result.failure not in _PASSING or is_last:
                break
            await asyncio.sleep(self._settings.pause * 2**tries if result.pause is None else result.pause)
        self._results.add(self._listing, replace(result, path=self._relative(result.path)), quiet=True)
        self._results.write(self._listing)
        return result

    async def last_commits(self, path: Path) -> dict[str, str]:
        """Return the last commit that touched each file and folder of a clone. Raises `GitError`."""
        common = self._settings.repository
        return await asyncio.to_thread(last_commits, path, scope=common.scope, timeout=common.timeout)

    async def contents(self, path: Path, names: list[str]) -> dict[str, bytes]:
        """Return the contents of small files of a clone's HEAD, by name. Raises `GitError`."""
        common = self._settings.repository
        git = Command(scope=common.scope, environment=environment(timeout=common.timeout), timeout=common.timeout)
        asked = [name for name in names if "\n" not in name]
        return await asyncio.to_thread(contents, git, path, "HEAD", asked)

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
            if self._crawl.state.problem is None:  # else it has been said
                self._ending.stop(FinishReason.FAILED, f"{self._crawl.tree.repositories}: {error.strerror}")

    async def _write_file_list(self) -> None:
        """Write files.jsonl again, unless no clone has changed."""
        if self._results.has_changes or not self._crawl.tree.files.exists():
            await asyncio.to_thread(write_file_list, self._crawl.tree)
            self._results.has_changes = False

    async def _work(self, jobs: CloneScheduler) -> None:
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
        elif result.failure in _PASSING and not is_last and not self._ending.stopped:
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
            problem = f"{folder} has no room for all large files: make room and crawl again"
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
            if result.failure in _PASSING:
                self._ending.unanswered(result.error or "")
            return
        self._ending.answered()
        if commit is None:
            cloned = result.commit if result.status in USABLE else None
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=cloned)
        elif listed.commit and listed.hub_id:
            self._checks.note(listed.url, hub_id=listed.hub_id, commit=commit)

    def _look_after_store(self) -> None:
        """Remove leftovers from the store, and check some of its objects."""
        store = Store(self._crawl.tree.store)
        store.tidy()
        if damaged := store.check_sample(_SAMPLE_BYTES):
            logger.warning(
                "%d LFS objects are damaged on the disk, the first is %s; the next crawl downloads them again",
                *(len(damaged), damaged[0]),
            )

    async def _clone_or_lost(self, request: CloneRequest) -> CloneResult:
        try:
            return await self._executor.run(clone, request)
        except WorkerLost as error:
            return CloneResult(url=request.url, error=str(error), failure=FailureKind.RETRY)

    async def _settle(self, job: Job, result: CloneResult) -> None:
        """Keep the result of a repository: this crawl does nothing more about it."""
        result.path = self._relative(result.path)
        if job.listed.chosen:
            self._unavailable += result.status in _UNAVAILABLE
            self._results.add(self._listing, result)
            self._ending.note(result)
            self._stats.inc_value("clone/done")
        if job.listed.former and result.path:
            self._listing.forget(job.listed.former)
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
        line = orjson.loads(self._listing.outcome(listed.url) or b"{}")
        return (line.get("commit") if line.get("path") else None) or self._checks.last_known(listed.url)

    def _set_found(self, listed: ListedRepository, commit: str | None, problem: str, files: dict[str, bytes]) -> None:
        text = {name: decoded(content) for name, content in files.items()}
        self._listing.set_found(listed.url, commit=commit, problem=problem, files=orjson.dumps(text))

    def _relative(self, path: str | None) -> str | None:
        return path and str(Path(path).relative_to(self._crawl.tree.folder.absolute()))

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

    async def _redirected(self, unlisted: UnlistedClone) -> str | None:
        """Return the URL that the server redirects to; asked as seldom as for a commit."""
        if self._checks.of(unlisted.url) is not None:
            return None
        try:
            return await self._executor.run(redirected, self._requests.redirect(unlisted.url))
        except Cancelled:
            raise
        except (GitError, WorkerLost):
            return None
        finally:
            line = orjson.loads(self._listing.outcome(unlisted.url) or b"{}")
            self._checks.note(unlisted.url, hub_id=unlisted.hub_id, commit=line.get("commit"))
