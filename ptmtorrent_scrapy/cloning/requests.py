"""Requests for clones, from the settings and the listing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ptmtorrent_scrapy.cloning.settings import CloneSettings
from ptmtorrent_scrapy.crawl.database import ListedRepository
from ptmtorrent_scrapy.crawl.state import CrawlState
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.storage.tree import DataTree

_REDIRECT_TIMEOUT = 60  # seconds to wait for the server of a repository that may have been renamed


class CloneRequests:
    """Makes the requests of one crawl."""

    def __init__(self, tree: DataTree, state: CrawlState, settings: CloneSettings) -> None:
        self._tree = tree
        self._state = state
        self._settings = settings

    def of(self, url: str, folder: str, **more: Any) -> CloneRequest:
        """Return the request for a repository by URL and folder; `more` are fields of `CloneRequest`."""
        path = str(self._tree.repository(folder).absolute())
        mirrors, crawl = self._settings.mirrors_of(url), self._state.started
        return replace(self._settings.repository, url=url, path=path, mirrors=mirrors, crawl=crawl, **more)

    def listed(self, listed: ListedRepository, **more: Any) -> CloneRequest:
        """Return the request for a repository of the listing."""
        former = listed.previous_path and str((self._tree.folder / listed.previous_path).absolute())
        fields: Mapping[str, Any] = {
            "gated": listed.gated,
            "previous_path": former,
            "refresh": self._settings.refresh,
            **more,
        }
        return self.of(listed.url, listed.folder, **fields)

    def redirect(self, url: str) -> CloneRequest:
        """Return the request that asks for the present URL of a repository."""
        common = self._settings.repository
        return replace(common, url=url, timeout=min(common.timeout, _REDIRECT_TIMEOUT))
