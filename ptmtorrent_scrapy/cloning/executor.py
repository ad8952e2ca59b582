"""Executors of clones: threads of this process, or the workers of a cluster."""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from importlib.util import find_spec
from typing import Protocol, TypeVar

from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.errors import Cancelled
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.storage.tree import DataTree

T = TypeVar("T")


class WorkerLost(Exception):
    """The machine that worked on a repository failed; another one may do it. The message names the machine."""


class ClusterLost(Exception):
    """No worker is left that could clone; the message is one line for the user."""


class CloneExecutor(Protocol):
    """Runs functions of `git` on a machine. No method waits without a bound, but for the function itself."""

    async def start(self) -> None:
        """Prepare to clone into the tree, which this process has claimed. Raises `ClusterLost`, `OSError`."""

    async def run(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        """Return what the function returns. Raises what it raises, `WorkerLost`, `ClusterLost`, `Cancelled`."""

    async def cancel(self) -> None:
        """End everything that runs for this crawl."""

    async def close(self) -> None:
        """End everything that runs for this crawl, and release the machines."""


class Threads:
    """Runs clones in threads of this process."""

    def __init__(self, concurrency: int, *, scope: str) -> None:
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix="clone")
        self._scope = scope

    async def start(self) -> None:
        """Do nothing: threads need no preparation."""

    async def run(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        try:
            return await asyncio.wrap_future(self._executor.submit(function, request))
        except (CancelledError, RuntimeError) as error:  # closed
            if process.cancelled(self._scope):
                raise Cancelled("the crawl ends") from error
            raise

    async def cancel(self) -> None:
        await asyncio.to_thread(process.cancel, self._scope)

    async def close(self) -> None:
        await self.cancel()
        await asyncio.to_thread(self._executor.shutdown)
        await asyncio.to_thread(process.close_watchdog)


def executor_of(settings: CloneSettings, tree: DataTree) -> CloneExecutor:
    """Return the workers of the cluster that the settings name, else threads. Raises `InvalidOption`."""
    if not settings.cluster:
        return Threads(settings.concurrency, scope=settings.repository.scope)
    _check_installed(settings.cluster)
    from ptmtorrent_scrapy.cloning.dask_executor import Cluster  # takes a second to import

    return Cluster(settings, tree)


def check_cluster(address: str) -> None:
    """Check that a scheduler answers at an address, within seconds. Raises `InvalidOption`."""
    _check_installed(address)
    from ptmtorrent_scrapy.cloning.dask_connection import reach

    reach(address)


def _check_installed(address: str) -> None:
    if find_spec("distributed") is None:
        accepted = (
            'empty, or the address of a Dask scheduler once Dask is installed: pip install "ptmtorrent-scrapy[cluster]"'
        )
        raise InvalidOption("CLONE_CLUSTER", address, accepted)
