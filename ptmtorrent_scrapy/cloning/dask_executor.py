"""Clones on the workers of a Dask cluster that share the data tree.

https://distributed.dask.org/en/stable/client.html
"""

import asyncio
import contextlib
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor

from distributed import Client, KilledWorker, Security
from distributed.client import FutureCancelledError
from distributed.comm.core import connect

from ptmtorrent_scrapy.cloning.executor import ClusterLost
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.git import process

_PATIENCE = 10  # seconds until a scheduler has answered


class Cluster:
    """The workers of the scheduler at an address. Raises `InvalidOption` where it does not answer."""

    lost: tuple[type[BaseException], ...] = (KilledWorker, FutureCancelledError, CancelledError)

    def __init__(self, address: str) -> None:
        self._address = address
        try:
            # A client that cannot connect takes half a minute, and a traceback, to go away: first look who is there.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, _reach(address)).result()
            self._client = Client(address, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            accepted = f"the address of a Dask scheduler that answers: {error or type(error).__name__}"
            raise InvalidOption("CLONE_CLUSTER", address, accepted) from None
        self.executor: Executor = self._client.get_executor(pure=False)  # type: ignore[no-untyped-call]

    def check(self) -> None:
        if self._client.status != "running":
            raise ClusterLost(f"CLONE_CLUSTER={self._address} does not answer any more; start it and crawl again")

    def cancel(self, scope: str) -> None:
        if self._client.status == "running":
            with contextlib.suppress(Exception):  # a worker that does not answer any more has nothing to end
                self._client.run(process.cancel, scope)

    def close(self, scope: str) -> None:
        self.cancel(scope)
        self._client.close()  # type: ignore[no-untyped-call]


async def _reach(address: str) -> None:
    """Connect to a scheduler, and let it go. Raises `OSError`, `TypeError` where the client's TLS is not set up."""
    arguments = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
    connection = await connect(address, timeout=_PATIENCE, **arguments)  # type: ignore[no-untyped-call]
    await connection.close()
