"""Clones the repositories of models."""

import asyncio
import json
import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import orjson
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy import arguments
from ptmtorrent_scrapy.crawl import HubCrawl
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.clone import clone, look
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.history import last_commits
from ptmtorrent_scrapy.git.repository import STANDING, Outcome, Repository
from ptmtorrent_scrapy.items import Unusable
from ptmtorrent_scrapy.listing import Listed
from ptmtorrent_scrapy.tree import Rewrite

logger = logging.getLogger(__name__)

NO_SPACE = "no_space"


class ClonePipeline:
    """Clones the chosen share of the listing, and asks the others for their commit where the hub does not tell it."""

    def __init__(
        self,
        crawl: HubCrawl,
        stats: StatsCollector,
        executor: Executor,
        repository: Repository,
        *,
        concurrency: int,
        min_free: int,
    ) -> None:
        self.crawl = crawl
        self.stats = stats
        self._executor = executor
        self._repository = repository  # what all repositories of the crawl have in common
        self._concurrency = concurrency
        self._min_free = min_free  # bytes
        self._no_space = False
        self._written = 0  # lines of repositories.jsonl
        self._unwritten = 0  # outcomes that repositories.jsonl does not have yet

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        crawl, settings = HubCrawl.of(crawler), crawler.settings
        concurrency = arguments.positive("CLONE_CONCURRENCY", settings["CLONE_CONCURRENCY"])
        repository = replace(
            repository_settings(settings),
            store=str(crawl.tree.store.absolute()),
            token=crawl.spider.token,
            read=crawl.spider.clone_files,
            scope=str(uuid4()),
        )
        return cls(
            crawl,
            crawler.stats,
            ThreadPoolExecutor(concurrency, thread_name_prefix="clone"),
            replace(repository, lfs=crawl.spider.lfs or repository.lfs),
            concurrency=concurrency,
            min_free=arguments.size("CLONE_MIN_FREE", settings["CLONE_MIN_FREE"]),
        )

    def process_item(self, item: Any) -> Any:
        if isinstance(item, Unusable) and item.repository:
            self._note(Outcome(url=item.repository, status="refused", error=item.detail))
        return item

    async def clone(self, url: str, folder: str) -> Outcome:
        """Clone one repository now: for a hub whose listing is a repository, and which tells if it cannot be had.

        The outcome's `path` is absolute.
        """
        path = self.crawl.tree.repository(folder).absolute()
        repository = replace(self._repository, url=url, path=str(path), read=())
        outcome = await asyncio.wrap_future(self._executor.submit(clone, repository))
        self._note(replace(outcome, path=self._relative(outcome.path)), quiet=True)
        return outcome

    async def last_commits(self, path: Path) -> dict[str, str]:
        """The last commit that touched each file and folder of a clone. Raises `GitError`."""
        scope, timeout = self._repository.scope, self._repository.timeout
        return await asyncio.wrap_future(self._executor.submit(last_commits, path, scope=scope, timeout=timeout))

    async def run(self, models: int) -> str | None:
        """Clone for the `models` most popular ones; returns why that ended early, if it did. Raises `Cancelled`."""
        chosen, asked = self.crawl.listing.choose(models)
        self.stats.set_value("clone/chosen", chosen)
        self.stats.set_value("clone/asked", asked)
        listed = self.crawl.listing.repositories()
        workers = (self._work(listed) for _ in range(self._concurrency))
        for ended in await asyncio.gather(*workers, return_exceptions=True):
            if ended is not None:
                raise ended
        self.write_outcomes()
        return NO_SPACE if self._no_space else None

    async def close_spider(self) -> None:
        """End what still runs; whatever was begun goes on in the next crawl."""
        process.cancel(self._repository.scope)
        await self.crawl.settled()
        self._executor.shutdown()
        process.close_watchdog()
        if self._unwritten:
            self.write_outcomes()

    async def _work(self, listed: Iterator[Listed]) -> None:
        """Take one repository after the other; what ends one worker ends all."""
        try:
            for repository in listed:
                if not repository.chosen:
                    await self._ask(repository)
                elif self._has_space():
                    await self._clone(repository)
        except BaseException:
            process.cancel(self._repository.scope)
            raise

    def _has_space(self) -> bool:
        if not self._no_space and shutil.disk_usage(self.crawl.tree.folder).free < self._min_free:
            self._no_space = True
            self.crawl.spider.problem = (
                f"{self.crawl.tree.folder} has less than CLONE_MIN_FREE={self._min_free} bytes left: "
                "no further clone is started; make room and crawl again"
            )
            logger.error("%s", self.crawl.spider.problem)
        return not self._no_space

    async def _clone(self, listed: Listed) -> None:
        path = self.crawl.tree.repository(listed.folder)
        repository = self._wanted(listed, path.absolute())
        outcome = await asyncio.wrap_future(self._executor.submit(clone, repository))
        outcome.path = self._relative(outcome.path)
        self._note(outcome)
        self.stats.inc_value("clone/done")
        self.crawl.listing.set_found(
            listed.url,
            commit=outcome.commit,
            problem=f"{outcome.status}: {outcome.error}" if outcome.error else outcome.status,
            files=_text(outcome.files),
        )

    def _relative(self, path: str | None) -> str | None:
        return path and str(Path(path).relative_to(self.crawl.tree.folder.absolute()))

    async def _ask(self, listed: Listed) -> None:
        repository = self._wanted(listed, self.crawl.tree.repository(listed.folder).absolute())
        commit: str | None = None
        files: dict[str, bytes] = {}
        problem = "empty"
        try:
            commit, files = await asyncio.wrap_future(self._executor.submit(look, repository))
        except Cancelled:
            raise
        except GitError as error:
            problem = str(error)
        self.stats.inc_value("clone/commits_asked")
        self.crawl.listing.set_found(listed.url, commit=commit, problem=problem, files=_text(files))

    def _wanted(self, listed: Listed, path: Path) -> Repository:
        return replace(self._repository, url=listed.url, path=str(path), commit=listed.commit, gated=listed.gated)

    def _note(self, outcome: Outcome, *, quiet: bool = False) -> None:
        """Count the outcome, log it where it is a failure, and keep it for repositories.jsonl."""
        if outcome.error and not quiet:
            logger.warning("%s is %s: %s", outcome.url, outcome.status, outcome.error)
        self.stats.inc_value(f"clone/status/{outcome.status}")
        for name in ("git_bytes", "lfs_objects", "lfs_bytes"):
            self.stats.inc_value(f"clone/{name}", getattr(outcome, name))
        before = orjson.loads(self.crawl.listing.outcome(outcome.url) or b"{}")
        if before.get("status", "cloned") not in STANDING:
            outcome.attempts += before.get("attempts", 0)
        line = asdict(outcome)
        del line["files"]
        self.crawl.listing.set_outcome(outcome.url, orjson.dumps(line))
        self._unwritten += 1
        if self._unwritten > 1000 + self._written // 10:
            self.write_outcomes()

    def write_outcomes(self) -> None:
        """Write repositories.jsonl anew."""
        with Rewrite(self.crawl.tree.repositories) as file:
            lines = [file.write(line + b"\n") for line in self.crawl.listing.outcomes()]
        self._written, self._unwritten = len(lines), 0


def _text(files: dict[str, bytes]) -> bytes:
    return orjson.dumps({name: content.decode("utf-8", "replace") for name, content in files.items()})


def repository_settings(settings: BaseSettings) -> Repository:
    """What the CLONE_ settings say of a repository. Raises `Unaccepted`."""
    try:
        configuration = json.loads(settings["CLONE_GIT_CONFIG"])
        if not all(isinstance(value, str) for value in configuration.values()):
            raise ValueError
    except (ValueError, AttributeError, TypeError):
        accepted = 'a JSON object of strings, such as {"http.proxy": "http://proxy:3128"}'
        raise arguments.Unaccepted("CLONE_GIT_CONFIG", settings["CLONE_GIT_CONFIG"], accepted) from None
    return Repository(
        url="",
        path="",
        store="",
        lfs=arguments.lfs("CLONE_LFS", settings["CLONE_LFS"]),
        lfs_files=arguments.choice("CLONE_LFS_FILES", settings["CLONE_LFS_FILES"], ("link", "copy", "pointer")),
        timeout=arguments.positive("CLONE_TIMEOUT", settings["CLONE_TIMEOUT"]),
        protocols=arguments.protocols("CLONE_PROTOCOLS", settings["CLONE_PROTOCOLS"]),
        configuration=configuration,
    )
