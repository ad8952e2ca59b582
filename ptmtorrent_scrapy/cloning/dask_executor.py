"""Clones on the workers of a Dask cluster that share the data tree.

Every call into the cluster has a bound but the clones themselves, which end when their worker, its scheduler or the
crawl does.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, TypeVar

from ptmtorrent_scrapy.cloning.dask_connection import ANSWER, Loop
from ptmtorrent_scrapy.cloning.dask_monitor import SchedulerMonitor, drop
from ptmtorrent_scrapy.cloning.executor import WorkerLost
from ptmtorrent_scrapy.cloning.probe import TreeProver
from ptmtorrent_scrapy.cloning.roster import Roster, Worker
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.git import local, process
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult, FailureKind
from ptmtorrent_scrapy.storage.tree import DataTree

T = TypeVar("T")

_CANCEL = 5.0  # seconds for ending the processes of a worker
_OF_MACHINE = (FailureKind.MACHINE, FailureKind.DISK, FailureKind.DISK_FULL)


class _ConnectionLost(Exception):
    """The scheduler was lost: the clone is requested again once it is back."""


class Cluster:
    """The workers of the scheduler at an address."""

    def __init__(self, settings: CloneSettings, tree: DataTree) -> None:
        self._scope = settings.repository.scope
        self._prover = TreeProver(tree, settings.repository.min_free)
        patience = settings.cluster_patience
        self._roster = Roster(f"CLONE_CLUSTER={settings.cluster}", self._prover, patience=patience)
        self._monitor = SchedulerMonitor(settings.cluster, self._roster, patience=patience)
        self._loop: Loop | None = None

    async def start(self) -> None:
        if self._loop is None:
            await asyncio.to_thread(self._prover.open)
            self._loop = Loop()
            await self._loop.call(self._monitor.start())

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
            await asyncio.wait_for(self._loop.call(self._monitor.close()), ANSWER)
        await asyncio.to_thread(self._loop.stop)
        await asyncio.to_thread(self._prover.close)
        self._loop = None

    # What follows runs in the loop of the connection.

    async def _run(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        while True:
            worker = await self._monitor.unless_ended(self._roster.take())
            try:
                result = await self._monitor.unless_ended(self._result(worker, function, request))
                await self._check(worker, result)
                return result
            except _ConnectionLost:
                await self._roster.forget(worker)  # until the scheduler lists it again
            finally:
                await self._roster.give_back(worker)

    async def _result(self, worker: Worker, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        """Return the result of a function on a worker. Raise its errors, `WorkerLost`, `_ConnectionLost`."""
        connection = self._monitor.connection
        if connection is None:
            raise _ConnectionLost
        future = connection.submit(worker.address, function, request)
        done = asyncio.ensure_future(_result_of(future))
        gone = asyncio.ensure_future(worker.gone.wait())
        try:
            with _lost(worker):
                await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
                if done.done():
                    found: T = done.result()
                    return found
                if connection is not self._monitor.connection:
                    raise _ConnectionLost
                await connection.cancel(future)
                raise WorkerLost(f"the worker on {worker.host} was lost")
        finally:
            drop(done)
            drop(gone)
            with contextlib.suppress(Exception):
                future.release()

    async def _check(self, worker: Worker, result: object) -> None:
        """Check the result of a worker before it counts. Raise `WorkerLost` if the worker itself failed.

        Raise `_ConnectionLost` if it cannot be asked.
        """
        if not isinstance(result, CloneResult):
            return
        is_there = await asyncio.to_thread(_is_there, result)
        if is_there and result.failure not in _OF_MACHINE:
            return
        own_trouble = await asyncio.to_thread(self._prover.own_trouble)
        if is_there and own_trouble:
            return  # it is not the worker's alone: the crawl ends
        connection = self._monitor.connection
        if connection is None:
            raise _ConnectionLost
        if not await self._roster.prove(connection, worker) or not is_there:
            raise WorkerLost(f"the worker on {worker.host}: {result.error or 'its clone is not in the data tree'}")

    async def _cancel(self) -> None:
        """End the processes of this crawl on all workers."""
        connection = self._monitor.connection
        if connection is None:
            return
        with contextlib.suppress(OSError):
            workers = await connection.workers()
            calls = (connection.ask(worker, process.cancel, self._scope, seconds=_CANCEL) for worker in workers)
            await asyncio.gather(*calls, return_exceptions=True)


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
    except CancelledError as error:  # Dask's, if its client lost the scheduler
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
