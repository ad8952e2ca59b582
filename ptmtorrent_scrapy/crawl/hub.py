"""What a crawl knows of the hub that it lists: the base of every spider, without Scrapy."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ptmtorrent_scrapy.crawl.selection import Selection
from ptmtorrent_scrapy.items import Model


class Hub:
    """A hub, as its spider describes it to pipelines and extensions."""

    name: str
    hub: ClassVar[str]  # as PTMTorrent calls it
    hub_url: str
    metadata: ClassVar[str]  # file under json/metadata/ that keeps the objects of the models
    raw_pages: ClassVar[tuple[str, ...]] = ()  # patterns of what else is kept of the hub, below its folder
    url_settings: ClassVar[tuple[str, ...]]  # settings that must be URLs; those of repositories end in _REPOSITORY
    clone_files: ClassVar[tuple[str, ...]] = ()  # what `with_clone` wants to see of a clone
    token: tuple[str, str] | None = None  # base URL of the hub's own host, and the token for that host
    given: dict[str, Any]  # arguments of the user
    selection: Selection
    lfs: str | None  # which large files to fetch; None: as CLONE_LFS says

    def with_clone(self, model: Model, files: Mapping[str, bytes]) -> Model:
        """Return the model with what those of `clone_files` say of it that its clone has."""
        return model

    async def files(self, url: str, commit: str | None) -> list[tuple[int, bool]] | None:
        """Return (bytes, whether it is a large one) of each file of a repository; None where the hub has no list."""
        return None

    def listing_failed(self, why: str) -> None:
        """End the crawl once it is idle: the listing is incomplete, and previous data is kept."""
        raise NotImplementedError
