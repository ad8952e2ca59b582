"""Executors of clones: threads of this process, or the workers of a cluster."""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Protocol, TypeVar

from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.git.errors import Cancelled
from ptmtorrent_scrapy.git.models import CloneRequest

T = TypeVar("T")


class WorkerLost(Exception):
    """The machine that cloned a repository failed; another one may clone it. The message names the machine."""


class ClusterLost(Exception):
    """No worker that can clone is left; the message is one line for the user."""


class CloneExecutor(Protocol):
    """Runs functions of `git` on a machine. Every wait has a limit, except for the function itself."""

    async def start(self) -> None:
        """Prepare to clone into the tree, which this process has claimed. Raise `ClusterLost`, `OSError`."""

    async def run(self, function: Callable[[CloneRequest], T], request: CloneRequest) -> T:
        """Return the result of the function. Raise its errors, `WorkerLost`, `ClusterLost`, `Cancelled`."""

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
