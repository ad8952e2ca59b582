"""Keep what a repository's job has found: the result of its clone, and the commit and files that its models need."""

import asyncio
import logging

import orjson

from ptmtorrent_scrapy.cloning.parts import CloneParts
from ptmtorrent_scrapy.cloning.scheduler import Job
from ptmtorrent_scrapy.crawl.database import ListedRepository
from ptmtorrent_scrapy.formats.encoding import decoded
from ptmtorrent_scrapy.git.clone import head_commit
from ptmtorrent_scrapy.git.errors import Cancelled, Gated, GitError, Large, Missing, Refused
from ptmtorrent_scrapy.git.models import UNAVAILABLE, USABLE, CloneResult, CloneStatus, FailureKind

logger = logging.getLogger(__name__)

PASSING = (FailureKind.RETRY, FailureKind.HOST)


class JobOutcomes:
    """Records the outcome of each repository, after which the crawl does nothing more about it."""

    def __init__(self, parts: CloneParts) -> None:
        self._parts = parts
        self._ending = parts.ending
        self.unavailable = 0  # chosen repositories that do not exist, are empty or gated

    async def keep_clone(self, job: Job, result: CloneResult) -> None:
        """Store the result of a clone, or of a repository that is not cloned."""
        result.path = self._parts.relative(result.path)
        if job.listed.chosen:
            self.unavailable += result.status in UNAVAILABLE
            self._parts.results.add(self._parts.listing, result)
            self._ending.note(result)
            self._parts.stats.inc_value("clone/done")
        if job.listed.previous_path and result.path:
            self._parts.listing.forget(job.listed.previous_path)
        problem = f"{result.status}: {result.error}" if result.error else str(result.status)
        if result.status == CloneStatus.FAILED:
            await self._keep_known_commit(job.listed, problem)
        else:
            self._set_found(job.listed, result.commit, problem, result.files)

    def note_check(self, listed: ListedRepository, commit: str | None, result: CloneResult) -> None:
        """Store the commit that the server returned, if it was asked, and the repository's id at the hub."""
        if result.status == CloneStatus.FAILED:
            if result.failure in PASSING:
                self._ending.unanswered(result.error or "")
            return
        self._ending.answered()
        if commit is None:
            cloned = result.commit if result.status in USABLE else None
            self._parts.checks.note(listed.url, hub_id=listed.hub_id, commit=cloned)
        elif listed.commit and listed.hub_id:
            self._parts.checks.note(listed.url, hub_id=listed.hub_id, commit=commit)

    def keep_commit(
        self, listed: ListedRepository, commit: str | None, files: dict[str, bytes], *, is_new: bool
    ) -> None:
        """Store the commit of a repository that is not cloned; `is_new` if its server has just returned it."""
        self._ending.answered()
        self._set_found(listed, commit, "empty", files)
        if is_new and commit is not None:
            self._parts.checks.note(listed.url, hub_id=listed.hub_id, commit=commit)

    async def keep_refusal(self, listed: ListedRepository, error: GitError) -> None:
        """Store why the commit of a repository is unknown."""
        if isinstance(error, Missing | Gated | Refused | Large):
            self._ending.answered()
            self._set_found(listed, None, str(error), {})
        else:
            self._ending.unanswered(str(error))
            await self._keep_known_commit(listed, str(error))

    async def _keep_known_commit(self, listed: ListedRepository, problem: str) -> None:
        """Use the last known commit of a repository that could not be reached; without one its models are lost."""
        commit = listed.commit or self._known_commit(listed)
        files: dict[str, bytes] = {}
        if commit is None:
            self._parts.crawl.state.passing_losses += self._parts.listing.models_of(listed.url)
        else:
            if listed.commit is None:
                self._parts.stats.inc_value("clone/not_checked")
            request = self._parts.requests.listed(listed, commit=commit)  # asks no server
            try:
                _, files = await asyncio.to_thread(head_commit, request)
            except Cancelled:
                raise
            except (GitError, OSError) as error:
                logger.warning("%s: its files cannot be read: %s", listed.url, error)
        self._set_found(listed, commit, problem, files)

    def _known_commit(self, listed: ListedRepository) -> str | None:
        line = self._parts.listing.result(listed.url)
        return (line.get("commit") if line.get("path") else None) or self._parts.checks.last_known(listed.url)

    def _set_found(self, listed: ListedRepository, commit: str | None, problem: str, files: dict[str, bytes]) -> None:
        text = {name: decoded(content) for name, content in files.items()}
        self._parts.listing.set_found(listed.url, commit=commit, problem=problem, files=orjson.dumps(text))
