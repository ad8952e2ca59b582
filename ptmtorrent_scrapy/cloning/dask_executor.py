"""Clones on the workers of a Dask cluster that share the data tree.

Every call into the cluster has a bound but the clones themselves, which end when their worker, its scheduler or the
crawl does.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, TypeVar

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.cloning.dask_connection import ANSWER, Connection, Loop
from ptmtorrent_scrapy.cloning.executor import ClusterLost, WorkerLost
from ptmtorrent_scrapy.cloning.probe import TreeProver
from ptmtorrent_scrapy.cloning.roster import Roster, Worker
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.backoff import backoff
from ptmtorrent_scrapy.git import local, process
from ptmtorrent_scrapy.git.errors import Cancelled, GitError
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, FailureKind
from ptmtorrent_scrapy.storage.tree import DataTree

logger = logging.getLogger(__name__)
T = TypeVar("T")

_WATCH = 2.0  # seconds between two questions to the scheduler
_CANCEL = 5.0  # seconds for ending the processes of a worker
_LONGEST_PAUSE = 30.0  # seconds between two attempts to connect
_OF_MACHINE = (FailureKind.MACHINE, FailureKind.DISK, FailureKind.DISK_FULL)


class _ConnectionLost(Exception):
    """The scheduler went away: the clone is asked again once it is back."""


class Cluster:
    """The workers of the scheduler at an address."""

    def __init__(self, settings: CloneSettings, tree: DataTree) -> None:
        self._address = settings.cluster
        self._patience = settings.cluster_patience
        self._scope = settings.repository.scope
        self._prover = TreeProver(tree, settings.repository.min_free)
        self._roster = Roster(f"CLONE_CLUSTER={self._address}", self._prover, patience=self._patience)
        self._loop: Loop | None = None
        self._connection: Connection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()  # no clone may start any more
        self._lost: ClusterLost | None = None

    async def start(self) -> None:
        if self._loop is None:
            await asyncio.to_thread(self._prover.open)
            self._loop = Loop()
            await self._loop.call(self._begin())

    async def run(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        assert self._loop is not None
        return await self._loop.call(self._run(function, request))

    async def cancel(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._loop.call(self._cancel()), _CANCEL + ANSWER)

    async def close(self) -> None:
        if self._loop is None:
            return
        await self.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._loop.call(self._end()), ANSWER)
        await asyncio.to_thread(self._loop.stop)
        await asyncio.to_thread(self._prover.close)
        self._loop = None

    # What follows runs in the loop of the connection.

    async def _begin(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def _run(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        while True:
            worker = await self._first(self._roster.take())
            try:
                result = await self._first(self._result(worker, function, request))
                await self._check(worker, result)
                return result
            except _ConnectionLost:
                await self._roster.forget(worker)  # until the scheduler lists it again
            finally:
                await self._roster.give_back(worker)

    async def _first(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of work unless the crawl or the cluster ends first. Raises `Cancelled`, `ClusterLost`."""
        task = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((task, ended), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise self._lost or Cancelled("the crawl ends")
        finally:
            _drop(task)
            _drop(ended)

    async def _result(self, worker: Worker, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        """Return the result of a function on a worker. Raises what it raises, `WorkerLost`, `_ConnectionLost`."""
        connection = self._connection
        if connection is None or not connection.is_open:
            raise _ConnectionLost
        future = connection.submit(worker.address, function, request)
        done = asyncio.ensure_future(_result_of(future))
        gone = asyncio.ensure_future(worker.gone.wait())
        try:
            with _lost(worker):
                await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
                if done.done():
                    return done.result()  # type: ignore[no-any-return]
                if connection is not self._connection or not connection.is_open:
                    raise _ConnectionLost
                await connection.cancel(future)
                raise WorkerLost(f"the worker on {worker.host} was lost")
        finally:
            _drop(done)
            _drop(gone)
            with contextlib.suppress(Exception):
                future.release()

    async def _check(self, worker: Worker, result: object) -> None:
        """Check the result of a worker before it counts. Raises `WorkerLost` if the worker itself failed."""
        if not isinstance(result, CloneResult):
            return
        is_there = await asyncio.to_thread(_is_there, result)
        if is_there and result.failure not in _OF_MACHINE:
            return
        own_trouble = await asyncio.to_thread(self._prover.own_trouble)
        if is_there and own_trouble:
            return  # it is not the worker's alone: the crawl ends
        assert self._connection is not None
        if not await self._roster.prove(self._connection, worker) or not is_there:
            raise WorkerLost(f"the worker on {worker.host}: {result.error or 'its clone is not in the data tree'}")

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
        """Connect, with pauses that double. Raises `ClusterLost`."""
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
        """Update the roster until the connection is lost. Raises `ClusterLost` for a scheduler that stays silent."""
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

    async def _cancel(self) -> None:
        """End the processes of this crawl on all workers."""
        connection = self._connection
        if connection is None or not connection.is_open:
            return
        with contextlib.suppress(OSError):
            workers = await connection.workers()
            asked = (connection.ask(worker, process.cancel, self._scope, seconds=_CANCEL) for worker in workers)
            await asyncio.gather(*asked, return_exceptions=True)

    async def _end(self) -> None:
        self._ended.set()
        if self._watching is not None:
            self._watching.cancel()
        await self._roster.clear()
        if self._connection is not None:
            await self._connection.close()


def _drop(task: asyncio.Future[Any]) -> None:
    """Cancel a task whose result is not needed."""
    task.cancel()
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


@contextlib.contextmanager
def _lost(worker: Worker) -> Iterator[None]:
    """Turn errors that are not those of a repository into `WorkerLost` and `_ConnectionLost`."""
    try:
        yield
    except (GitError, WorkerLost, _ConnectionLost):
        raise
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise _ConnectionLost from None
    except CancelledError as error:  # Dask's, where its client lost the scheduler
        raise _ConnectionLost from error
    except Exception as error:
        raise WorkerLost(f"the worker on {worker.host} was lost: {type(error).__name__}: {error}") from error


async def _result_of(future: Any) -> Any:
    return await future


def _is_there(result: CloneResult) -> bool:
    """Return whether a clone that was reported is in the tree, at its commit."""
    if result.path is None or result.commit is None:
        return True
    try:
        return local.head(Path(result.path))[1] == result.commit
    except OSError:
        return False
