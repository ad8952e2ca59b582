"""Recognises repositories that have another name than when they were cloned, so that none is downloaded twice."""

import logging
from collections.abc import Awaitable, Callable

import orjson

from ptmtorrent_scrapy.arguments import repository
from ptmtorrent_scrapy.listing import Listed, Listing, Vanished

logger = logging.getLogger(__name__)

Redirected = Callable[[Vanished], Awaitable[str | None]]  # where the server of a repository says that it is now


async def recognise(listing: Listing, redirected: Redirected) -> None:
    """Note of chosen repositories that have no clone which former names they had, of those that are listed no more.

    One is another's former name if the hub knows both by the same id, or by none and at the same commit, or if its
    server leads from it there.
    """
    vanished = listing.vanished()
    newcomers = listing.newcomers() if vanished else []
    for former in vanished:
        if not newcomers:
            return
        found = _same(former, _commit(listing, former), newcomers)
        if found is None and (former.hub_id is None or any(listed.hub_id is None for listed in newcomers)):
            found = _at(await redirected(former), newcomers)
        if found is not None:
            logger.info("%s is now %s: its clone goes along", former.url, found.url)
            listing.set_former(found.url, former)
            newcomers.remove(found)


def _commit(listing: Listing, former: Vanished) -> str | None:
    commit: str | None = orjson.loads(listing.outcome(former.url) or b"{}").get("commit")
    return commit


def _same(former: Vanished, commit: str | None, newcomers: list[Listed]) -> Listed | None:
    for listed in newcomers:
        if former.hub_id is not None and listed.hub_id is not None:
            if former.hub_id == listed.hub_id:
                return listed
        elif commit is not None and commit == listed.commit:
            return listed
    return None


def _at(url: str | None, newcomers: list[Listed]) -> Listed | None:
    if url is None:
        return None
    return next((listed for listed in newcomers if repository(listed.url) == repository(url)), None)
