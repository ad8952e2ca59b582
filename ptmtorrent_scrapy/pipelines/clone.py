"""Clones the repositories of models."""

import asyncio
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import orjson
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.clonesettings import CloneSettings, clone_settings, repository_settings  # noqa: F401
from ptmtorrent_scrapy.crawl import HubCrawl
from ptmtorrent_scrapy.git.clone import clone, look, redirected
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.history import last_commits
from ptmtorrent_scrapy.git.lfs import Store
from ptmtorrent_scrapy.git.repository import STANDING, Outcome, Repository
from ptmtorrent_scrapy.items import Unusable
from ptmtorrent_scrapy.listing import Listed, Vanished
from ptmtorrent_scrapy.renames import recognise
from ptmtorrent_scrapy.tree import Rewrite
from ptmtorrent_scrapy.turns import Turn, Turns
from ptmtorrent_scrapy.workers import Workers, workers

logger = logging.getLogger(__name__)

NO_SPACE, MAX_BYTES = "no_space", "max_bytes"


class ClonePipeline:
    """Clones the chosen share of the listing, and asks the others for their commit where the hub does not tell it."""

    def __init__(self, crawl: HubCrawl, stats: StatsCollector, settings: CloneSettings, workers: Workers) -> None:
        self.crawl = crawl
        self.stats = stats
        self._settings = settings
        self._workers = workers
        self._scope = settings.repository.scope
        self._began = int(time.time())
        self._ended: str | None = None  # why no further clone is started
        self._fetched = 0  # bytes of this crawl
        self._promised = 0  # bytes that the clones under way may want
        self._told_copied = False
        self._written = 0  # lines of repositories.jsonl
        self._unwritten = 0  # outcomes that repositories.jsonl does not have yet

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        crawl = HubCrawl.of(crawler)
        settings = clone_settings(crawler.settings)
        repository = replace(
            settings.repository,
            store=str(crawl.tree.store.absolute()),
            token=crawl.spider.token,
            read=crawl.spider.clone_files,
            scope=str(uuid4()),
            lfs=crawl.spider.lfs or settings.repository.lfs,
        )
        settings = replace(settings, repository=repository)
        return cls(crawl, crawler.stats, settings, workers(settings.cluster, settings.concurrency))

    def process_item(self, item: Any) -> Any:
        if isinstance(item, Unusable) and item.repository:
            self._note(Outcome(url=item.repository, status="refused", error=item.detail))
        return item

    async def clone(self, url: str, folder: str) -> Outcome:
        """Clone one repository now: for a hub whose listing is a repository, and which tells if it cannot be had.

        The outcome's `path` is absolute.
        """
        repository = self._repository(url, folder, read=())
        if not self._is_free():
            return Outcome(url=url, error=self._full())
        for tries in range(self._settings.retries + 1):
            outcome = await self._run(clone, replace(repository, settle=tries == self._settings.retries))
            if outcome.trouble not in ("again", "host"):
                break
            await asyncio.sleep(min(outcome.pause or self._settings.pause * 2**tries, 60))
        self._note(replace(outcome, path=self._relative(outcome.path)), quiet=True)
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
        turns = Turns(self.crawl.listing, pause=self._settings.pause)
        work = (self._work(turns) for _ in range(self._settings.concurrency))
        for ended in await asyncio.gather(*work, return_exceptions=True):
            if ended is not None:
                raise ended
        await asyncio.to_thread(Store(self.crawl.tree.store).tidy)
        self.write_outcomes()
        return self._ended

    async def close_spider(self) -> None:
        """End what still runs; whatever was begun goes on in the next crawl."""
        await asyncio.to_thread(self._workers.close, self._scope)
        await self.crawl.settled()
        if self._unwritten:
            self.write_outcomes()

    async def _work(self, turns: Turns) -> None:
        """Take one repository after the other; what ends one worker ends all."""
        try:
            while not self._ended and (turn := await turns.next()):
                if turns.is_given_up(turn.listed.host):
                    self._settle(turn, Outcome(url=turn.listed.url, error=f"{turn.listed.host} was given up"))
                    turns.done(turn, well=False)
                elif not turn.listed.chosen:
                    await self._ask(turn.listed)
                    turns.done(turn, well=True)
                elif self._has_room(turn.listed):
                    await self._clone(turn, turns)
                else:
                    turns.done(turn, well=False)
            turns.end()
        except BaseException:
            self._ended = self._ended or "cancelled"
            turns.end()
            await asyncio.to_thread(self._workers.cancel, self._scope)
            raise

    def _end(self, reason: str, why: str) -> None:
        """Start no further clone; those under way are finished."""
        if not self._ended:
            self._ended = reason
            self.crawl.spider.problem = f"{why} and crawl again"
            logger.error("%s", self.crawl.spider.problem)

    def _has_room(self, listed: Listed) -> bool:
        """Whether the disk and the limit of the crawl have room for a repository."""
        if not self._is_free():
            self._end(NO_SPACE, self._full())
            return False
        left = self._left()
        if left is not None and (left <= 0 or self._expected(listed) > left):
            self._end(MAX_BYTES, self._over())
            return False
        return True

    def _is_free(self) -> bool:
        return shutil.disk_usage(self.crawl.tree.folder).free >= self._settings.min_free

    def _full(self) -> str:
        return (
            f"{self.crawl.tree.folder} has less than CLONE_MIN_FREE={self._settings.min_free} bytes left: "
            "no further clone is started; make room"
        )

    def _over(self) -> str:
        return (
            f"CLONE_MAX_BYTES={self._settings.max_bytes} is reached with {self._fetched} bytes, "
            "or does not do for the next repository: raise it"
        )

    def _left(self) -> int | None:
        """Bytes that this crawl may still fetch; None for any number."""
        if self._settings.max_bytes is None:
            return None
        return self._settings.max_bytes - self._fetched - self._promised

    def _expected(self, listed: Listed) -> int:
        """Bytes that a clone will fetch, as far as the hub tells."""
        stands = (self.crawl.tree.repository(listed.folder) / ".git").is_dir()
        return 0 if stands or self._settings.repository.lfs not in ("auto", "all") else listed.bytes or 0

    @contextmanager
    def _promise(self, listed: Listed) -> Iterator[int | None]:
        """The bytes of large files that a repository may fetch, kept from others meanwhile."""
        left, expected = self._left(), self._expected(listed)
        self._promised += expected
        try:
            yield left
        finally:
            self._promised -= expected

    async def _clone(self, turn: Turn, turns: Turns) -> None:
        listed = turn.listed
        commit = self._told(listed)
        settle = turn.tries >= self._settings.retries
        with self._promise(listed) as budget:
            former = listed.former and str((self.crawl.tree.folder / listed.former).absolute())
            repository = self._wanted(listed, commit=commit, budget=budget, settle=settle, former=former)
            outcome = await self._run(clone, repository)
            self._fetched += outcome.fetched
        if outcome.trouble == "space":
            self._end(NO_SPACE, f"{self.crawl.tree.folder} is full: make room")
        elif outcome.trouble == "budget":
            self._end(MAX_BYTES, self._over())
        elif outcome.trouble == "host":
            turns.leave_alone(listed.host, outcome.pause)
        if outcome.trouble in ("again", "host") and not settle and not self._ended:
            turns.again(turn)
            return
        if outcome.trouble not in ("space", "budget"):
            self._settle(turn, outcome)
            if commit is None or listed.hub_id:
                known = outcome.commit if outcome.status in STANDING and commit is None else commit
                self._look(listed, known)
        turns.done(turn, well=outcome.trouble is None)

    async def _run(self, function: Any, repository: Repository) -> Outcome:
        """What becomes of a repository, wherever it is worked on. Raises `Cancelled`, `ClusterLost`."""
        try:
            outcome: Outcome = await asyncio.wrap_future(self._workers.executor.submit(function, repository))
        except self._workers.lost as error:
            self._workers.check()
            return Outcome(url=repository.url, error=f"its worker was lost: {error}", trouble="again")
        return outcome

    def _settle(self, turn: Turn, outcome: Outcome) -> None:
        """Nothing more becomes of a repository in this crawl."""
        outcome.path = self._relative(outcome.path)
        outcome.attempts = turn.tries + 1
        self._note(outcome)
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

    async def _ask(self, listed: Listed) -> None:
        told = self._told(listed)
        commit: str | None = None
        files: dict[str, bytes] = {}
        problem = "empty"
        try:
            future = self._workers.executor.submit(look, self._wanted(listed, commit=told))
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

    async def _redirected(self, vanished: Vanished) -> str | None:
        """Where the server of a repository says that it is now; asked as seldom as what it is at."""
        if self.crawl.listing.look(vanished.url, self._since) is not None:
            return None
        future = self._workers.executor.submit(redirected, replace(self._settings.repository, url=vanished.url))
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
    def _since(self) -> int:
        """Since when what a server has told counts, in seconds of the epoch."""
        return self._began - self._settings.refresh

    def _told(self, listed: Listed) -> str | None:
        """The commit of a repository, as its hub tells it or its server has told it lately."""
        return listed.commit or self.crawl.listing.look(listed.url, self._since)

    def _look(self, listed: Listed, commit: str | None) -> None:
        self.crawl.listing.set_look(listed.url, hub_id=listed.hub_id, commit=commit, at=int(time.time()))

    def _wanted(self, listed: Listed, **more: Any) -> Repository:
        return self._repository(listed.url, listed.folder, gated=listed.gated, **more)

    def _repository(self, url: str, folder: str, **more: Any) -> Repository:
        path = str(self.crawl.tree.repository(folder).absolute())
        mirrors = self._settings.mirrors_of(url)
        return replace(self._settings.repository, url=url, path=path, mirrors=mirrors, **more)

    def _note(self, outcome: Outcome, *, quiet: bool = False) -> None:
        """Count the outcome, log it where it is a failure, and keep it for repositories.jsonl."""
        if outcome.error and not quiet:
            logger.warning("%s is %s: %s", outcome.url, outcome.status, outcome.error)
        if outcome.copied and not self._told_copied:
            self._told_copied = True
            logger.warning("%s: the file system has no hard links here; large files are copied", self.crawl.tree.folder)
        self.stats.inc_value(f"clone/status/{outcome.status}")
        for name in ("git_bytes", "lfs_objects", "lfs_bytes"):
            self.stats.inc_value(f"clone/{name}", getattr(outcome, name))
        self.stats.inc_value("clone/lfs_left_out", outcome.left_out)
        self.stats.inc_value("clone/fetched_bytes", outcome.fetched)
        before = orjson.loads(self.crawl.listing.outcome(outcome.url) or b"{}")
        if before.get("status", "cloned") not in STANDING:
            outcome.attempts += before.get("attempts", 0)
        self.crawl.listing.set_outcome(outcome.url, orjson.dumps(outcome.line()), path=outcome.path)
        self._unwritten += 1
        if self._unwritten > 1000 + self._written // 10:
            self.write_outcomes()

    def write_outcomes(self) -> None:
        """Write repositories.jsonl anew, and what the next crawl needs not ask."""
        with Rewrite(self.crawl.tree.repositories) as file:
            lines = [file.write(line + b"\n") for line in self.crawl.listing.outcomes()]
        with Rewrite(self.crawl.tree.looks) as file:
            for url, hub_id, commit, at in self.crawl.listing.looks():
                file.write(orjson.dumps({"url": url, "hub_id": hub_id, "commit": commit, "at": at}) + b"\n")
        self._written, self._unwritten = len(lines), 0


def _text(files: dict[str, bytes]) -> bytes:
    return orjson.dumps({name: content.decode("utf-8", "replace") for name, content in files.items()})
