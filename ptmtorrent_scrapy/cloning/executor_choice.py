"""Choose where clones run: in threads or on a cluster, whose library is an extra and imported only if needed."""

from importlib.util import find_spec

from ptmtorrent_scrapy.cloning.executor import CloneExecutor, Threads
from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.storage.tree import DataTree


def executor_of(settings: CloneSettings, tree: DataTree) -> CloneExecutor:
    """Return the workers of the cluster that the settings name, else threads. Raise `InvalidOption`."""
    if not settings.cluster:
        return Threads(settings.concurrency, scope=settings.repository.scope)
    _check_installed(settings.cluster)
    from ptmtorrent_scrapy.cloning.dask_executor import Cluster  # takes a second to import

    return Cluster(settings, tree)


def check_cluster(address: str) -> None:
    """Check that a scheduler answers at an address, within seconds. Raise `InvalidOption`."""
    _check_installed(address)
    from ptmtorrent_scrapy.cloning.dask_connection import reach

    reach(address)


def _check_installed(address: str) -> None:
    if find_spec("distributed") is None:
        accepted = (
            'empty, or the address of a Dask scheduler once Dask is installed: pip install "ptmtorrent-scrapy[cluster]"'
        )
        raise InvalidOption("CLONE_CLUSTER", address, accepted)
