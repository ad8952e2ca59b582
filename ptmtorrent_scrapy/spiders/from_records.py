"""Spiders without a listing: their models are those of the records on disk."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from scrapy import Request

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.selection import SHARES, Selection
from ptmtorrent_scrapy.git.models import USABLE, CloneStatus
from ptmtorrent_scrapy.spiders.base import HubSpider

_RETRIED = {
    "failed": frozenset({CloneStatus.FAILED}),
    "missing": frozenset({CloneStatus.MISSING}),
    "partial": frozenset({CloneStatus.PARTIAL}),
    "all": frozenset(CloneStatus) - frozenset(USABLE) | {CloneStatus.PARTIAL},
}


class FromRecords(HubSpider):
    """Replaces a spider's listing; `retry` selects repositories by the result of their last clone."""

    retry: frozenset[CloneStatus] | None = None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.retry = _RETRIED[given["retry"]] if "retry" in given else None

    @classmethod
    def check_arguments(cls, **given: Any) -> tuple[Selection, str | None]:
        """Return the selection of the arguments, and which large files. Raise `InvalidOption`."""
        if (retry := given.pop("retry", None)) is not None:
            options.choice("retry", retry, tuple(_RETRIED))
            if not any(name in given for name in SHARES):
                given["fraction"] = 1
        return super().check_arguments(**given)

    async def start(self) -> AsyncIterator[Request]:
        """Request nothing."""
        nothing: tuple[Request, ...] = ()
        for request in nothing:
            yield request


def from_records(spider: type[HubSpider]) -> type[HubSpider]:
    """Return a spider of the same hub without a listing."""
    attributes: Mapping[str, Any] = {"__module__": __name__, "name": spider.name}
    return type(spider.__name__, (FromRecords, spider), dict(attributes))
