"""Imports of the project's commands, loaded once by the process that `tests.processes` forks commands from."""

import contextlib
import functools
import gc
import importlib
import io
import os
import pkgutil
import sys

import scrapy.cmdline
import scrapy.utils.versions

from ptmtorrent_scrapy.formats.spdx import spdx_identifier
from ptmtorrent_scrapy.records.validator import Validator

_PACKAGES = (
    "ptmtorrent_scrapy",
    "scrapy.cmdline",
    "scrapy.commands",
    "scrapy.core.downloader.handlers.datauri",
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
_LIBRARIES = ("jsonschema",)  # that the package imports only if needed
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


def _list_spiders() -> None:
    """Determine once what each command of Scrapy determines: versions of packages, commands and spiders."""
    scrapy.cmdline.entry_points = functools.cache(scrapy.cmdline.entry_points)  # type: ignore[assignment,attr-defined]
    scrapy.utils.versions.version = functools.cache(scrapy.utils.versions.version)  # type: ignore[attr-defined]
    scrapy.utils.versions.get_versions()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        scrapy.cmdline.execute(["scrapy", "list"])


os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy starts no thread
for _name in _PACKAGES:
    _load(_name)
for _name in (*_CLUSTER, *_LIBRARIES):
    importlib.import_module(_name)
spdx_identifier("mit")  # reads the list of licences
Validator()  # compiles the schemas
_list_spiders()
assert "twisted.internet.reactor" not in sys.modules, "a process can have one reactor, which its settings choose"
assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be forked"
gc.collect()
gc.freeze()
