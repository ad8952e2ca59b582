"""Read the CLONE_ settings."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scrapy.settings import BaseSettings

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.formats.repository_urls import comparable
from ptmtorrent_scrapy.git.models import CloneRequest, LfsPlacement

# git-config(1): a section, perhaps a subsection, a variable
_CONFIGURED = re.compile(r"[A-Za-z0-9-]+(\.[^\0\n]*)?\.[A-Za-z][A-Za-z0-9-]*")

_WEEK = 7 * 86_400  # seconds; with much more than that poll(2) does not wait at all
_GIGABYTE = 10**9  # bytes per second; git takes up to twice as much for `http.lowSpeedLimit`


@dataclass(frozen=True, kw_only=True)
class CloneSettings:
    """The values of the CLONE_ settings."""

    repository: CloneRequest  # common to all repositories
    concurrency: int
    mirrors: Mapping[str, tuple[str, ...]]  # other LFS servers, by the URL of the repository
    refresh: float  # seconds after which a repository is asked again if its hub gives no commit
    retries: int
    pause: float  # seconds before the first retry
    max_wait: float  # seconds, the longest pause that a server can ask for
    max_bytes: int | None  # that one crawl may download
    cluster: str  # address of a Dask scheduler, or empty
    cluster_patience: float  # seconds to wait for a scheduler or a worker

    def mirrors_of(self, url: str) -> tuple[str, ...]:
        """Return other LFS servers that have the large files of a repository."""
        return self.mirrors.get(comparable(url), ())


def clone_settings(settings: BaseSettings) -> CloneSettings:
    """Read the settings of clones. Raise `InvalidOption`."""
    return CloneSettings(
        repository=repository_settings(settings),
        concurrency=options.positive("CLONE_CONCURRENCY", settings["CLONE_CONCURRENCY"], most=1000),
        mirrors=options.mirrors("CLONE_LFS_MIRRORS", settings["CLONE_LFS_MIRRORS"]),
        refresh=options.duration("CLONE_REFRESH", settings["CLONE_REFRESH"]),
        retries=options.whole("CLONE_RETRIES", settings["CLONE_RETRIES"], most=1000),
        pause=options.duration("CLONE_RETRY_PAUSE", settings["CLONE_RETRY_PAUSE"]),
        max_wait=options.duration("RATE_LIMIT_MAX_WAIT", settings["RATE_LIMIT_MAX_WAIT"]),
        max_bytes=_limit("CLONE_MAX_BYTES", settings),
        cluster=_address("CLONE_CLUSTER", settings["CLONE_CLUSTER"]),
        cluster_patience=options.duration("CLUSTER_PATIENCE", settings["CLUSTER_PATIENCE"]),
    )


def repository_settings(settings: BaseSettings) -> CloneRequest:
    """Read the settings that all repositories have in common. Raise `InvalidOption`."""
    try:
        configuration = json.loads(settings["CLONE_GIT_CONFIG"])
        if not all(_CONFIGURED.fullmatch(name) and "\0" not in value for name, value in configuration.items()):
            raise ValueError
    except (ValueError, AttributeError, TypeError):
        accepted = 'a JSON object of git settings, such as {"http.proxy": "http://proxy:3128"}'
        raise options.InvalidOption("CLONE_GIT_CONFIG", settings["CLONE_GIT_CONFIG"], accepted) from None
    return CloneRequest(
        url="",
        path="",
        store="",
        lfs=options.lfs("CLONE_LFS", settings["CLONE_LFS"]),
        lfs_files=options.choice("CLONE_LFS_FILES", settings["CLONE_LFS_FILES"], tuple(LfsPlacement)),
        max_bytes=_limit("CLONE_MAX_REPOSITORY", settings),
        min_free=options.size("CLONE_MIN_FREE", settings["CLONE_MIN_FREE"]),
        timeout=options.positive("CLONE_TIMEOUT", settings["CLONE_TIMEOUT"], most=_WEEK),
        min_rate=_rate("CLONE_MIN_RATE", settings["CLONE_MIN_RATE"]),
        trusted=options.server_urls(settings),
        protocols=options.protocols("CLONE_PROTOCOLS", settings["CLONE_PROTOCOLS"]),
        configuration=configuration,
        user_agent=settings["USER_AGENT"] or "",
    )


def _address(name: str, value: str) -> str:
    """Return the address of a Dask scheduler, or an empty string. Raise `InvalidOption`."""
    if value and not value.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
        raise options.InvalidOption(
            name, value, "the address of a Dask scheduler, such as tls://10.0.0.1:8786, or empty"
        )
    return value


def _rate(name: str, value: str) -> int:
    """Return bytes per second. Raise `InvalidOption`, also for more than git takes."""
    rate = options.size(name, value)
    if rate > _GIGABYTE:
        raise options.InvalidOption(name, value, "a size up to 1GB")
    return rate


def _limit(name: str, settings: BaseSettings) -> int | None:
    """Return a limit in bytes; None if the setting is empty."""
    return None if settings[name] in (None, "") else options.size(name, settings[name])
