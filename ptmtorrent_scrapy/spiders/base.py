"""The base of all spiders: arguments, settings, and the steps from objects of a hub to models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from scrapy.settings import BaseSettings

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.selection import Selection, selection
from ptmtorrent_scrapy.items import Metadata, Model, RejectedModel
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.spiders.fetching import FetchingSpider


class HubSpider(FetchingSpider):
    """A spider that lists the models of one hub.

    A subclass names its hub, requests its pages in `start`, and turns one object of the hub into a Model in `model`.
    """

    default_fraction: ClassVar[float] = 1.0
    # arguments
    selects: ClassVar[tuple[str, ...]] = ("fraction", "top", "replace", "sample", "seed", "ids", "author", "task")
    probe: ClassVar[str] = ""  # path below the hub's URL; its answer shows that the hub is up
    token_probe: ClassVar[str] = ""  # path below the hub's URL; its answer shows that the token is accepted

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.given = {name: value for name, value in given.items() if not name.startswith("_")}
        self.selection, self.lfs = self.check_arguments(**given)

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        cache = Path(settings["DATA_DIR"]).absolute() / cls.name / "cache"
        settings.set("HTTPCACHE_DIR", str(cache), priority="spider")
        settings.set("USER_AGENT", options.user_agent(settings["USER_AGENT"], settings["CONTACT_URL"]), "spider")

    @classmethod
    def token_of(cls, settings: BaseSettings) -> tuple[str, str] | None:
        """Return the base URL of the hub's own host and the token for that host, if there is one."""
        return None

    @classmethod
    def file_url(cls, url: str, commit: str, path: str) -> str | None:
        """Return the public URL of a file in a repository's commit; None if the hub has none."""
        return None

    @classmethod
    def check_settings(cls, settings: BaseSettings) -> None:
        """Check the settings that this hub reads. Raise `InvalidOption`."""
        for name in cls.url_settings:
            options.url(name, settings[name])
        cls.token_of(settings)

    @classmethod
    def cloned_from(cls, selection: Selection) -> tuple[str, ...]:
        """Return the settings whose URLs git will clone from."""
        return cls.repository_settings

    @classmethod
    def check_arguments(cls, **given: Any) -> tuple[Selection, str | None]:
        """Return the selection of the spider's arguments, and which large files; None if a setting decides that.

        Raise `InvalidOption`, also for arguments that the hub's listing has no data for.
        """
        given = {name: value for name, value in given.items() if not name.startswith("_")}  # scrapyd adds _job
        lfs = given.pop("lfs", None)
        for name, value in given.items():
            if name not in cls.selects:
                accepted = f"no argument of {cls.name}, which takes {', '.join((*cls.selects, 'lfs'))}"
                raise options.InvalidOption(name, value, accepted)
        chosen = selection(given, default_fraction=cls.default_fraction)
        return chosen, None if lfs is None else options.lfs("lfs", lfs)

    def listed_on_page(self, text: str) -> list[Metadata]:
        """Return the objects of models on a page that is not an array. Raise `ValueError`, `RecursionError`."""
        raise ValueError("not an array of models")

    def on_page(self, value: dict[str, Any], url: str) -> dict[str, Any]:
        """Return an object with the data that only the URL of its page has."""
        return value

    def model(self, metadata: Metadata) -> Model:
        """Return the model of an object of the hub's listing. Raise `NotAModel`."""
        raise NotImplementedError

    def models(self, listing: list[Metadata]) -> Iterator[Model | RejectedModel]:
        """Yield the models of a listing, and rejected objects with their reasons."""
        for metadata in listing:
            if metadata.fault is not None:
                yield RejectedModel(metadata=metadata, reason="unreadable", detail=metadata.fault)
                continue
            try:
                yield self.model(metadata)
            except NotAModel as error:
                yield RejectedModel(
                    metadata=metadata,
                    reason=error.reason,
                    detail=error.detail,
                    name=error.name,
                    repository=error.repository,
                )
            except Exception as error:
                self.session.state.faults += 1
                self.logger.exception("internal error; %s, with this object: %s", PLEASE_REPORT, metadata.text[:2000])
                yield RejectedModel(metadata=metadata, reason="internal error", detail=repr(error))
