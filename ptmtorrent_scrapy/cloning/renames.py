"""Recognise repositories that were renamed since they were cloned, so that none is downloaded twice."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.crawl.renamed_clones import RenamedClones, UnlistedClone

logger = logging.getLogger(__name__)

_AT_ONCE = 8  # servers asked at the same time
Redirected = Callable[[UnlistedClone], Awaitable[str | None]]  # returns the URL that a repository's server redirects to


async def recognise(listing: CrawlDatabase, redirected: Redirected) -> None:
    """Find previous names of chosen repositories without a clone, among clones that the listing no longer names.

    Two names belong to one repository if they have the same hub id, or no id and the same commit, or if the server of
    the previous one redirects to the new one.
    """
    renames = _Renames(listing.renamed_clones())
    for vanished, url in renames.clones.renamed():
        renames.note(vanished, url)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def ask(vanished: UnlistedClone) -> None:
        async with limit:
            url = await redirected(vanished)
        if url is not None and (found := renames.clones.newcomer(url)) is not None:
            renames.note(vanished, found)

    await asyncio.gather(*(ask(vanished) for vanished in renames.vanished()))


class _Renames:
    """The renames that were found; each name is used once."""

    def __init__(self, clones: RenamedClones) -> None:
        self.clones = clones
        self._former: set[str] = set()
        self._new: set[str] = set()

    def note(self, vanished: UnlistedClone, url: str) -> None:
        """Assign a clone to the repository at a URL, unless one of the two is already part of a rename."""
        if vanished.url not in self._former and url not in self._new:
            logger.info("%s is now %s: its clone is renamed", vanished.url, url)
            self.clones.set_previous_path(url, vanished)
            self._former.add(vanished.url)
            self._new.add(url)

    def vanished(self) -> list[UnlistedClone]:
        """Return the clones without a new name."""
        return [clone for clone in self.clones.vanished() if clone.url not in self._former]
