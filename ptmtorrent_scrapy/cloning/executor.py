"""Where clones run: threads of this process, or the workers of a cluster."""

from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from importlib.util import find_spec
from typing import Protocol

from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.git import process


class CloneExecutor(Protocol):
    """An executor for clones, and how to end what runs in it."""

    executor: Executor
    lost: tuple[type[BaseException], ...]  # what a clone ends with whose worker died

    def check(self) -> None:
        """Raises `ClusterLost` if there is nobody left who could clone."""

    def cancel(self, scope: str) -> None:
        """End all that runs for a scope."""

    def close(self, scope: str) -> None:
        """End all that runs for a scope, and let go of the workers."""


class ClusterLost(Exception):
    """The cluster does not answer any more; the message is one line for the user."""


class Threads:
    """As many threads of this process."""

    lost: tuple[type[BaseException], ...] = (CancelledError,)

    def __init__(self, concurrency: int) -> None:
        self.executor: Executor = ThreadPoolExecutor(concurrency, thread_name_prefix="clone")

    def check(self) -> None:
        """They live as long as we do."""

    def cancel(self, scope: str) -> None:
        process.cancel(scope)

    def close(self, scope: str) -> None:
        process.cancel(scope)
        self.executor.shutdown()
        process.close_watchdog()


def workers(cluster: str, concurrency: int) -> CloneExecutor:
    """Return the workers of a Dask scheduler, or threads without an address. Raises `InvalidOption`."""
    if not cluster:
        return Threads(concurrency)
    if find_spec("distributed") is None:
        accepted = (
            'empty, or the address of a Dask scheduler once Dask is installed: pip install "ptmtorrent-scrapy[cluster]"'
        )
        raise InvalidOption("CLONE_CLUSTER", cluster, accepted)
    from ptmtorrent_scrapy.cloning.dask_executor import Cluster  # takes a second to import

    return Cluster(cluster)


def address(name: str, value: str) -> str:
    """The address of a Dask scheduler, or nothing. Raises `InvalidOption`."""
    if value and not value.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
        raise InvalidOption(name, value, "the address of a Dask scheduler, such as tls://10.0.0.1:8786, or empty")
    return value
