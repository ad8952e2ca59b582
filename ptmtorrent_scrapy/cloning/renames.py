"""Recognises repositories that were renamed since they were cloned, so that none is downloaded twice."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.crawl.renamed_clones import UnlistedClone

logger = logging.getLogger(__name__)

_AT_ONCE = 8  # servers that are asked at the same time
Redirected = Callable[[UnlistedClone], Awaitable[str | None]]  # where the server of a repository says that it is now


async def recognise(listing: CrawlDatabase, redirected: Redirected) -> None:
    """Find previous names of chosen repositories without a clone, among clones that the listing no longer names.

    Two names are of one repository if the hub gives both the same id, or no id and the same commit, or if the server of
    the previous one redirects to the new one.
    """
    clones = listing.renamed_clones()
    former, new = set(), set()

    def note(vanished: UnlistedClone, url: str) -> None:
        if vanished.url not in former and url not in new:
            logger.info("%s is now %s: its clone is renamed", vanished.url, url)
            clones.set_previous_path(url, vanished)
            former.add(vanished.url)
            new.add(url)

    for vanished, url in clones.renamed():
        note(vanished, url)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def ask(vanished: UnlistedClone) -> None:
        async with limit:
            url = await redirected(vanished)
        if url is not None and (found := clones.newcomer(url)) is not None:
            note(vanished, found)

    await asyncio.gather(*(ask(vanished) for vanished in clones.vanished() if vanished.url not in former))
