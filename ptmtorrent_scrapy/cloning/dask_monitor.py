"""The connection to a Dask scheduler during a crawl: kept open, and its workers followed as they come and go."""

import asyncio
import itertools
import logging
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.cloning.dask_connection import Connection
from ptmtorrent_scrapy.cloning.executor import ClusterLost
from ptmtorrent_scrapy.cloning.roster import Roster
from ptmtorrent_scrapy.crawl.backoff import backoff
from ptmtorrent_scrapy.git.errors import Cancelled

logger = logging.getLogger(__name__)
T = TypeVar("T")

_WATCH = 2.0  # seconds between two questions to the scheduler
_LONGEST_PAUSE = 30.0  # seconds between two attempts to connect


class SchedulerMonitor:
    """Keeps a roster of the workers of the scheduler at an address; all methods run in the loop of the connection."""

    def __init__(self, address: str, roster: Roster, *, patience: float) -> None:
        """Prepare it; `patience` is in seconds, for a scheduler that does not answer."""
        self._address = address
        self._roster = roster
        self._patience = patience
        self._connection: Connection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()  # no clone may start any more
        self._lost: ClusterLost | None = None

    @property
    def connection(self) -> Connection | None:
        """Return the connection, if it is open."""
        return self._connection if self._connection is not None and self._connection.is_open else None

    async def start(self) -> None:
        """Begin to connect and to follow the workers."""
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Let no clone start any more, and leave the scheduler."""
        self._ended.set()
        if self._watching is not None:
            self._watching.cancel()
        await self._roster.clear()
        if self._connection is not None:
            await self._connection.close()

    async def unless_ended(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of work unless the crawl or the cluster ends first. Raise `Cancelled`, `ClusterLost`."""
        task = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((task, ended), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise self._lost or Cancelled("the crawl ends")
        finally:
            drop(task)
            drop(ended)

    async def _watch(self) -> None:
        """Follow the workers that come and go, and connect again when the scheduler went away, until the crawl ends."""
        try:
            while True:
                await self._connect()
                assert self._connection is not None
                await self._follow(self._connection)
                await self._roster.clear()
                await self._connection.close()
        except Exception as error:
            lost = f"CLONE_CLUSTER={self._address}: internal error: {error!r}; {PLEASE_REPORT}"
            self._lost = error if isinstance(error, ClusterLost) else ClusterLost(lost)
            await self._roster.clear()
            self._ended.set()

    async def _connect(self) -> None:
        """Connect, with pauses that double. Raise `ClusterLost`."""
        since, reason = time.monotonic(), ""
        for failures in itertools.count():
            try:
                self._connection = await Connection.open(self._address)
            except (OSError, TimeoutError, ValueError, TypeError) as error:
                first, reason = not reason, str(error) or "no answer"
            else:
                if reason:
                    logger.info("CLONE_CLUSTER=%s answers again", self._address)
                return
            left = self._patience - (time.monotonic() - since)
            if left <= 0:
                raise ClusterLost(f"CLONE_CLUSTER={self._address} does not answer: {reason}; start it and crawl again")
            if first:
                line = "CLONE_CLUSTER=%s does not answer; trying again for up to %d seconds (CLUSTER_PATIENCE)"
                logger.error(line, self._address, self._patience)
            await asyncio.sleep(min(backoff(1.0, failures, longest=_LONGEST_PAUSE), left))

    async def _follow(self, connection: Connection) -> None:
        """Update the roster until the connection is lost. Raise `ClusterLost` for a scheduler that stays silent."""
        silent_since: float | None = None
        while connection.is_open:
            try:
                workers = await connection.workers()
            except OSError:
                now = time.monotonic()
                if silent_since is None:
                    silent_since = now
                    logger.error("CLONE_CLUSTER=%s does not answer; waiting for it", self._address)
                elif now - silent_since >= self._patience:
                    raise ClusterLost(f"CLONE_CLUSTER={self._address} does not answer; crawl again") from None
            else:
                if silent_since is not None and connection.is_open:
                    logger.info("CLONE_CLUSTER=%s answers again", self._address)
                silent_since = None
                await self._roster.update(connection, workers)
            await asyncio.sleep(_WATCH)


def drop(task: asyncio.Future[Any]) -> None:
    """Cancel a task whose result is not needed."""
    task.cancel()
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
