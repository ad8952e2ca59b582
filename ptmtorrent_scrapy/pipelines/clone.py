"""Clones the repositories of models."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import orjson
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.cloning.budget import NO_SPACE, Budget
from ptmtorrent_scrapy.cloning.executor import CloneExecutor, workers
from ptmtorrent_scrapy.cloning.renames import recognise
from ptmtorrent_scrapy.cloning.results import CloneResults
from ptmtorrent_scrapy.cloning.scheduler import CloneScheduler, Job
from ptmtorrent_scrapy.cloning.settings import CloneSettings, clone_settings
from ptmtorrent_scrapy.crawl.database import ListedRepository, UnlistedClone
from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.git.clone import clone, head_commit, redirected
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.last_commits import last_commits
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.git.models import USABLE, CloneRequest, CloneResult, CloneStatus, FailureKind
from ptmtorrent_scrapy.items import RejectedModel

logger = logging.getLogger(__name__)

UNREACHABLE = "unreachable"
_PASSING = (FailureKind.RETRY, FailureKind.HOST)
_PATIENCE = 60  # seconds for which a server is waited for that shall tell where a repository has gone


class ClonePipeline:
    """Clones the chosen share of the listing, and asks the others for their commit where the hub does not tell it."""

    def __init__(
        self, crawl: CrawlSession, stats: StatsCollector, settings: CloneSettings, workers: CloneExecutor
    ) -> None:
        self.crawl = crawl
        self.stats = stats
        self._settings = settings
        self._workers = workers
        self._scope = settings.repository.scope
        self._began = int(time.time())
        self._ended: str | None = None  # why no further clone is started
        self._lacking: str | None = None  # why what was cloned is not all that was to be
        self._needed: dict[str, int] = {}  # bytes of repositories that were over their share, by URL
        self._limits = Budget(crawl.tree.folder, settings)
        self._outcomes = CloneResults(crawl.tree, stats)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        crawl = CrawlSession.of(crawler)
        settings = clone_settings(crawler.settings)
        repository = replace(
            settings.repository,
            store=str(crawl.tree.store.absolute()),
            token=crawl.spider.token,
            read_files=crawl.spider.clone_files,
            scope=str(uuid4()),
            lfs=crawl.spider.lfs or settings.repository.lfs,
        )
        settings = replace(settings, repository=repository)
        return cls(crawl, crawler.stats, settings, workers(settings.cluster, settings.concurrency))

    def process_item(self, item: Any) -> Any:
        if isinstance(item, RejectedModel) and item.repository:
            self._outcomes.note(
                self.crawl.listing, CloneResult(url=item.repository, status=CloneStatus.REFUSED, error=item.detail)
            )
        return item

    async def clone(self, url: str, folder: str) -> CloneResult:
        """Clone one repository now: for a hub whose listing is a repository, and which tells if it cannot be had.

        The outcome's `path` is absolute.
        """
        repository = self._repository(url, folder, read_files=())
        if full := self._limits.full():
            return CloneResult(url=url, error=full)
        for tries in range(self._settings.retries + 1):
            with self._limits.promise(self._limits.left or 0):
                settle = tries == self._settings.retries
                outcome = await self._run(clone, replace(repository, budget=self._limits.left, accept_partial=settle))
                self._limits.count(outcome.downloaded_bytes)
            if outcome.failure not in _PASSING:
                break
            await asyncio.sleep(self._settings.pause * 2**tries if outcome.pause is None else outcome.pause)
        self._outcomes.note(self.crawl.listing, replace(outcome, path=self._relative(outcome.path)), quiet=True)
        return outcome

    async def last_commits(self, path: Path) -> dict[str, str]:
        """The last commit that touched each file and folder of a clone. Raises `GitError`."""
        return await asyncio.to_thread(last_commits, path, scope=self._scope, timeout=self._settings.repository.timeout)

    async def run(self, models: int) -> str | None:
        """Clone for the first `models` ones by rank; returns why that ended early, if it did. Raises `Cancelled`."""
        chosen, asked = self.crawl.listing.choose(models)
        self.stats.set_value("clone/chosen", chosen)
        self.stats.set_value("clone/asked", asked)
        await recognise(self.crawl.listing, self._redirected)
        turns = CloneScheduler(self.crawl.listing, pause=self._settings.pause)
        work = (self._work(turns) for _ in range(self._settings.concurrency))
        for ended in await asyncio.gather(*work, return_exceptions=True):
            if ended is not None:
                raise ended
        await asyncio.to_thread(Store(self.crawl.tree.store).tidy)
        self._outcomes.write(self.crawl.listing)
        if turns.are_all_given_up:
            self._lack(UNREACHABLE, "none of the hosts of the repositories answers: look at them")
        return self._ended or self._lacking

    async def close_spider(self) -> None:
        """End what still runs; whatever was begun goes on in the next crawl."""
        await asyncio.to_thread(self._workers.close, self._scope)
        await self.crawl.settled()
        if self._outcomes.unwritten:
            self._outcomes.write(self.crawl.listing)

    async def _work(self, turns: CloneScheduler) -> None:
        """Take one repository after the other; what ends one worker ends all."""
        try:
            while not self._ended and (turn := await turns.next()):
                await self._take(turn, turns)
            turns.end()
        except BaseException:
            self._ended = self._ended or "cancelled"
            turns.end()
            await asyncio.to_thread(self._workers.cancel, self._scope)
            raise

    async def _take(self, turn: Job, turns: CloneScheduler) -> None:
        listed = turn.listed
        expected = self._expected(listed)
        if turns.is_given_up(listed.host):
            self._settle(turn, CloneResult(url=listed.url, error=f"{listed.host} was given up", attempts=turn.tries))
            turns.done(turn, well=False)
        elif not listed.chosen:
            await self._ask(listed)
            turns.done(turn, well=True)
        elif never := self._limits.never(expected):
            self._settle(turn, CloneResult(url=listed.url, error=never, attempts=0))
            turns.done(turn, well=True)
        elif gone := self._gone(listed):
            self._settle(turn, gone)
            turns.done(turn, well=True)
        elif self._limits.is_promised(expected):
            turns.soon(turn)
        elif against := self._limits.against(expected):
            self._end(*against)
            turns.done(turn, well=False)
        else:
            await self._clone(turn, turns)

    def _end(self, reason: str, why: str) -> None:
        """Start no further clone; those under way are finished."""
        if not self._ended:
            self._ended = reason
            self.crawl.spider.problem = f"{why} and crawl again"
            logger.error("%s", self.crawl.spider.problem)

    def _gone(self, listed: ListedRepository) -> CloneResult | None:
        """What became of a repository that its server did not have, or had nothing in, when it was asked lately."""
        if listed.commit is not None or not self.crawl.listing.was_looked_at(listed.url, self._after):
            return None
        line = orjson.loads(self.crawl.listing.outcome(listed.url) or b"{}")
        if line.get("status") not in ("missing", "empty") or line.get("path"):
            return None
        return CloneResult(url=listed.url, status=CloneStatus(line["status"]), error=line.get("error"), attempts=0)

    def _lack(self, reason: str, why: str) -> None:
        """Go on, though something is missing."""
        if not self._lacking:
            self._lacking = reason
            self.crawl.spider.problem = f"{why} and crawl again"
            logger.error("%s", self.crawl.spider.problem)

    def _expected(self, listed: ListedRepository) -> int:
        """Bytes that a clone will fetch, as far as is known."""
        if listed.url in self._needed:
            return self._needed[listed.url]
        stands = (self.crawl.tree.repository(listed.folder) / ".git").is_dir()
        return 0 if stands or self._settings.repository.lfs not in ("auto", "all") else listed.bytes or 0

    async def _clone(self, turn: Job, turns: CloneScheduler) -> None:
        listed, settle = turn.listed, turn.tries >= self._settings.retries
        commit = self._told(listed)
        with self._limits.promise(self._expected(listed)) as budget:
            former = listed.former and str((self.crawl.tree.folder / listed.former).absolute())
            repository = self._wanted(listed, commit=commit, budget=budget, accept_partial=settle, previous_path=former)
            outcome = await self._run(clone, repository)
            self._limits.count(outcome.downloaded_bytes)
        self._note(outcome, listed, turns)
        if self._ended and outcome.failure in (FailureKind.DISK_FULL, FailureKind.BUDGET):
            turns.done(turn, well=False)  # without a line: the next crawl takes it up
        elif outcome.failure == FailureKind.BUDGET:
            turns.soon(turn)
        elif outcome.failure in _PASSING and not settle and not self._ended:
            turns.again(turn)
        else:
            outcome.attempts = turn.tries + 1
            self._settle(turn, outcome)
            if commit is None:
                self._look(listed, outcome.commit if outcome.status in USABLE else None)
            elif listed.commit and listed.hub_id:
                self._look(listed, commit)
            turns.done(turn, well=outcome.failure in (None, FailureKind.LACKS_ROOM))

    def _note(self, outcome: CloneResult, listed: ListedRepository, turns: CloneScheduler) -> None:
        """What the trouble of one repository is to the others."""
        if outcome.failure == FailureKind.DISK_FULL:
            self._end(NO_SPACE, f"{self.crawl.tree.folder} is full: make room")
        elif outcome.failure == FailureKind.LACKS_ROOM:
            self._lack(NO_SPACE, f"{self.crawl.tree.folder} has no room for all large files: make room")
        elif outcome.failure == FailureKind.BUDGET:
            self._needed[listed.url] = outcome.needed or 0
        elif outcome.failure == FailureKind.HOST:
            turns.leave_alone(listed.host, outcome.pause)
        elif outcome.failure == FailureKind.INTERNAL:
            self.crawl.spider.faults += 1

    async def _run(self, function: Any, repository: CloneRequest) -> CloneResult:
        """What becomes of a repository, wherever it is worked on. Raises `Cancelled`, `ClusterLost`."""
        try:
            outcome: CloneResult = await asyncio.wrap_future(self._workers.executor.submit(function, repository))
        except self._workers.lost as error:
            self._workers.check()
            return CloneResult(url=repository.url, error=f"its worker was lost: {error}", failure=FailureKind.RETRY)
        return outcome

    def _settle(self, turn: Job, outcome: CloneResult) -> None:
        """Nothing more becomes of a repository in this crawl."""
        outcome.path = self._relative(outcome.path)
        self._outcomes.note(self.crawl.listing, outcome)
        if turn.listed.former and outcome.path:
            self.crawl.listing.forget(turn.listed.former)
        self.stats.inc_value("clone/done")
        self.crawl.listing.set_found(
            turn.listed.url,
            commit=outcome.commit,
            problem=f"{outcome.status}: {outcome.error}" if outcome.error else outcome.status,
            files=_text(outcome.files),
        )

    def _relative(self, path: str | None) -> str | None:
        return path and str(Path(path).relative_to(self.crawl.tree.folder.absolute()))

    async def _ask(self, listed: ListedRepository) -> None:
        told = self._told(listed)
        commit: str | None = None
        files: dict[str, bytes] = {}
        problem = "empty"
        try:
            future = self._workers.executor.submit(head_commit, self._wanted(listed, commit=told))
            commit, files = await asyncio.wrap_future(future)
        except Cancelled:
            raise
        except GitError as error:
            problem = str(error)
        except self._workers.lost as error:
            problem = f"its worker was lost: {error}"
        self.stats.inc_value("clone/commits_asked")
        self.crawl.listing.set_found(listed.url, commit=commit, problem=problem, files=_text(files))
        if told is None and commit is not None:
            self._look(listed, commit)

    async def _redirected(self, vanished: UnlistedClone) -> str | None:
        """Where the server of a repository says that it is now; asked as seldom as what it is at."""
        if self.crawl.listing.look(vanished.url, self._after) is not None:
            return None
        repository = replace(self._settings.repository, url=vanished.url)
        repository = replace(repository, timeout=min(repository.timeout, _PATIENCE))
        future = self._workers.executor.submit(redirected, repository)
        try:
            return await asyncio.wrap_future(future)
        except Cancelled:
            raise
        except GitError:
            return None
        except self._workers.lost:
            return None
        finally:
            line = orjson.loads(self.crawl.listing.outcome(vanished.url) or b"{}")
            self.crawl.listing.set_look(
                vanished.url, hub_id=vanished.hub_id, commit=line.get("commit"), at=int(time.time())
            )

    @property
    def _after(self) -> float:
        """After when what a server has told counts, in seconds of the epoch."""
        return self._began - self._settings.refresh

    def _told(self, listed: ListedRepository) -> str | None:
        """The commit of a repository, as its hub tells it or its server has told it lately."""
        return listed.commit or self.crawl.listing.look(listed.url, self._after)

    def _look(self, listed: ListedRepository, commit: str | None) -> None:
        self.crawl.listing.set_look(listed.url, hub_id=listed.hub_id, commit=commit, at=int(time.time()))

    def _wanted(self, listed: ListedRepository, **more: Any) -> CloneRequest:
        return self._repository(listed.url, listed.folder, gated=listed.gated, **more)

    def _repository(self, url: str, folder: str, **more: Any) -> CloneRequest:
        path = str(self.crawl.tree.repository(folder).absolute())
        mirrors = self._settings.mirrors_of(url)
        return replace(self._settings.repository, url=url, path=path, mirrors=mirrors, **more)


def _text(files: dict[str, bytes]) -> bytes:
    return orjson.dumps({name: content.decode("utf-8", "replace") for name, content in files.items()})
