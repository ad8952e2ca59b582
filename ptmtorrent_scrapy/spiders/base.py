"""What the spiders have in common: their arguments, and how a listing is taken apart or given up."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from scrapy import Request, Spider
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.hub import Hub
from ptmtorrent_scrapy.crawl.selection import Selection, selection
from ptmtorrent_scrapy.crawl.session import Cloner, CrawlSession
from ptmtorrent_scrapy.formats.raw_json import Unreadable, elements
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import USABLE
from ptmtorrent_scrapy.items import Metadata, Model, RejectedModel
from ptmtorrent_scrapy.parsers.errors import NotAModel

T = TypeVar("T")


class HubSpider(Hub, Spider):
    """A spider that lists the models of one hub.

    A subclass names its hub, asks for its pages in `start`, and in `model` turns one object of the hub into a Model.
    """

    default_fraction: ClassVar[float] = 1.0
    selects: ClassVar[tuple[str, ...]] = (
        "fraction",
        "top",
        "replace",
        "sample",
        "seed",
        "ids",
        "author",
        "task",
    )  # arguments
    probe: ClassVar[str] = ""  # what is asked below the URL of its pages, to see whether the hub answers

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.given = {name: value for name, value in given.items() if not name.startswith("_")}
        self.selection, self.lfs = self.check_arguments(**given)

    @property
    def session(self) -> CrawlSession:
        """Return the crawl that this spider lists for."""
        return CrawlSession.of(self.crawler)

    @property
    def _cloner(self) -> Cloner:
        assert self.session.cloner is not None
        return self.session.cloner

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        cache = Path(settings["DATA_DIR"]).absolute() / cls.name / "cache"
        settings.set("HTTPCACHE_DIR", str(cache), priority="spider")
        settings.set("USER_AGENT", options.user_agent(settings["USER_AGENT"], settings["CONTACT_URL"]), "spider")

    @classmethod
    def token_of(cls, settings: BaseSettings) -> tuple[str, str] | None:
        """The base URL of the hub's own host and the token for that host, if there is one."""
        return None

    @classmethod
    def file_url(cls, url: str, commit: str, path: str) -> str | None:
        """Return where anybody can download a file of a repository's commit; None if the hub has no such address."""
        return None

    @classmethod
    def check_arguments(cls, **given: Any) -> tuple[Selection, str | None]:
        """What the spider's arguments select, and which large files; None where a setting decides that.

        Raises `InvalidOption`, also for what the hub's listing does not tell.
        """
        given = {name: value for name, value in given.items() if not name.startswith("_")}  # scrapyd adds _job
        lfs = given.pop("lfs", None)
        for name, value in given.items():
            if name not in cls.selects:
                accepted = f"no argument of {cls.name}, which takes {', '.join((*cls.selects, 'lfs'))}"
                raise options.InvalidOption(name, value, accepted)
        chosen = selection(given, default_fraction=cls.default_fraction)
        return chosen, None if lfs is None else options.lfs("lfs", lfs)

    def model(self, metadata: Metadata) -> Model:
        """The model that an object of the hub's listing describes. Raises `NotAModel`."""
        raise NotImplementedError

    def request(
        self, url: str, callback: Callable[..., Any] | None, meta: dict[str, Any] | None = None, **options: Any
    ) -> Request:
        """A request without whose answer the listing is not whole: its host is given time."""
        meta = {"is_patient": True, **(meta or {})}
        return Request(url, callback, errback=self.give_up, dont_filter=True, meta=meta, **options)

    def models(self, listing: list[Metadata]) -> Iterator[Model | RejectedModel]:
        """The models of a listing, and what was no model."""
        for metadata in listing:
            if isinstance(metadata.value, Unreadable):
                yield RejectedModel(metadata=metadata, reason="unreadable", detail=metadata.value.reason)
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
                self.logger.exception("a fault of this program, please report it with %s", metadata.text[:2000])
                yield RejectedModel(metadata=metadata, reason="a fault of this program", detail=repr(error))

    async def answer(self, request: Request) -> Response | None:
        """The answer to a request of a callback that goes on with it; None if there is none: the listing has failed."""
        response = await self.answer_or_reason(request)
        if isinstance(response, str):
            self.session.state.is_listing_outdated = (
                re.search(r"\bHTTP status (400|404|410|422)\b", response) is not None
            )
            self.listing_failed(f"{request.url}: {response}")
            return None
        return response

    async def answer_or_reason(self, request: Request) -> Response | str:
        """The answer to a request without which the listing is whole all the same, or why there is none."""
        try:
            response = await self.crawler.engine.download_async(request)
        except Exception as error:
            return _said(error)
        return response if response.status == 200 else f"answered with HTTP status {response.status}"

    async def clone(self, url: str, folder: str) -> Path | None:
        """Where the repository stands that is the listing; None if it could not be had: the listing has failed."""
        try:
            outcome = await self._cloner.clone_now(url, folder)
        except GitError as error:
            self.listing_failed(f"{url}: {error}")
            return None
        if outcome.path is None or outcome.status not in USABLE:
            self.listing_failed(f"{url} is {outcome.status}: {outcome.error}")
            return None
        return Path(outcome.path)

    async def last_commits(self, clone: Path) -> dict[str, str]:
        """The last commit that touched each file and folder of a clone; none if git fails: the listing has failed."""
        try:
            return await self._cloner.last_commits(clone)
        except GitError as error:
            self.listing_failed(f"{clone}: {error}")
            return {}

    async def json_array(
        self, response: Response, of: Callable[[str], list[Metadata]] = elements
    ) -> tuple[Response, list[Metadata]]:
        """The answer that is a JSON array, or has one, and its elements; an answer that is none is asked for again.

        `of` takes the text apart and raises `ValueError` or `RecursionError`.
        No elements when that did not help: the listing has failed.
        """
        for tries in range(self.settings.getint("RETRY_TIMES")):
            try:
                return response, of(text(response))
            except (ValueError, RecursionError):
                assert response.request is not None
                pause = options.duration("LISTING_RETRY_PAUSE", self.settings["LISTING_RETRY_PAUSE"]) * 2**tries
                meta = {**response.request.meta, "again": True, "pause": pause}
                again = await self.answer(response.request.replace(dont_filter=True, meta=meta))
            if again is None:
                return response, []
            response = again
        try:
            return response, of(text(response))
        except (ValueError, RecursionError) as error:
            self.listing_failed(f"{response.url} answers with something else than a JSON array: {error}")
        return response, []

    def give_up(self, failure: Failure) -> None:
        """A page of the listing could not be had."""
        self.listing_failed(f"{failure.request.url}: {_said(failure.value)}")  # type: ignore[attr-defined]

    def listing_failed(self, why: str) -> None:
        """Let the crawl end once it is idle: its listing is not whole, what earlier crawls wrote stays."""
        self.logger.error("%s could not be listed, earlier data stays as it was: %s", self.hub, why)
        self.session.state.problem = why


async def map_ordered(calls: Iterable[Coroutine[Any, Any, T]], ahead: int = 8) -> AsyncIterator[T]:
    """The results of calls, in the order of the calls, of which some are made ahead."""
    made: deque[asyncio.Task[T]] = deque()
    try:
        for call in calls:
            made.append(asyncio.create_task(call))
            if len(made) > ahead:
                yield await made.popleft()
        while made:
            yield await made.popleft()
    finally:
        for task in made:
            task.cancel()


def text(response: Response) -> str:
    return response.body.decode("utf-8", "replace")


def _said(error: BaseException | None) -> str:
    """What an error says; its kind, where that is all."""
    if isinstance(error, DownloadCancelledError) and not str(error):
        return "its answer is larger than DOWNLOAD_MAXSIZE"
    return str(error) or type(error).__name__
