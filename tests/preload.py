"""What commands of the project import: loaded once by the process that `tests.processes` forks commands from."""

import gc
import importlib
import os
import pkgutil
import sys

from ptmtorrent_scrapy.formats.spdx import spdx_identifier

_PACKAGES = (
    "ptmtorrent_scrapy",
    "scrapy.cmdline",
    "scrapy.commands",
    "scrapy.core.downloader.handlers.ftp",
    "scrapy.core.downloader.handlers.s3",
    "scrapy.downloadermiddlewares",
    "scrapy.dupefilters",
    "scrapy.extensions",
    "scrapy.pqueues",
    "scrapy.robotstxt",
    "scrapy.spidermiddlewares",
    "scrapy.squeues",
    "scrapy.utils.engine",
)
_CLUSTER = ("distributed.cli.dask_scheduler", "distributed.cli.dask_worker")
# These start threads, or run when they are imported.
_LATE = {
    "ptmtorrent_scrapy.__main__",
    "ptmtorrent_scrapy.exports.croissant",
    "ptmtorrent_scrapy.exports.parquet",
    "scrapy.extensions.statsmailer",
}


def _load(name: str) -> None:
    """Import a module and, if it is a package, its modules."""
    module = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if found.name not in _LATE:
            _load(found.name)


os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy starts no thread
for _name in _PACKAGES:
    _load(_name)
for _name in _CLUSTER:
    importlib.import_module(_name)
spdx_identifier("mit")  # reads the list of licences
assert "twisted.internet.reactor" not in sys.modules, "a process can have one reactor, which its settings choose"
assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be forked"
gc.collect()
gc.freeze()
