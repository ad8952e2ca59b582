"""Clones on the workers of a Dask cluster that share the data tree.

https://distributed.dask.org/en/stable/client.html
"""

import asyncio
import contextlib
from concurrent.futures import CancelledError, Executor

from distributed import Client, KilledWorker
from distributed.client import FutureCancelledError

from ptmtorrent_scrapy.arguments import Unaccepted
from ptmtorrent_scrapy.git import process
from ptmtorrent_scrapy.workers import ClusterLost

_PATIENCE = 10  # seconds until a scheduler has answered


class Cluster:
    """The workers of the scheduler at an address. Raises `Unaccepted` where it does not answer."""

    lost: tuple[type[BaseException], ...] = (KilledWorker, FutureCancelledError, CancelledError)

    def __init__(self, address: str) -> None:
        self._address = address
        try:
            self._client = Client(address, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            accepted = f"the address of a Dask scheduler that answers: {error or type(error).__name__}"
            raise Unaccepted("CLONE_CLUSTER", address, accepted) from None
        self.executor: Executor = self._client.get_executor(pure=False)  # type: ignore[no-untyped-call]

    def check(self) -> None:
        if self._client.status != "running":
            raise ClusterLost(f"CLONE_CLUSTER={self._address} does not answer any more; start it and crawl again")

    def cancel(self, scope: str) -> None:
        if self._client.status == "running":
            with contextlib.suppress(Exception):  # a worker that does not answer any more has nothing to end
                self._client.run(process.cancel, scope)

    async def close(self, scope: str) -> None:
        await asyncio.to_thread(self.cancel, scope)
        await asyncio.to_thread(self._client.close)
