"""Common parts of commands: names of hubs, errors, and settings to show a page without a crawl."""

import argparse
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from scrapy.settings import BaseSettings, Settings
from scrapy.spiderloader import SpiderLoaderProtocol

from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.formats.repository_urls import comparable
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.storage.disk_errors import described

_OURS = "ptmtorrent_scrapy."
_CORE_STATS = "ptmtorrent_scrapy.extensions.core_stats.CrawlStats"


class SetupError(Exception):
    """Something keeps a command from starting; the message says what to do."""


class UsageError(SetupError):
    """The requested page or object cannot be shown; the message says why, and what to do."""


class ReadsTree:
    """Mixin for commands that work on a data tree and crawl nothing."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, Any]] = {"LOG_ENABLED": False}

    def syntax(self) -> str:
        return "[options] [hub ...]"


class ShowsPage:
    """Mixin for commands that show one page."""

    settings: Settings | None

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)  # type: ignore[misc]  # ScrapyCommand's
        assert self.settings is not None
        detach_from_tree(self.settings)


def reason(error: Exception) -> str:
    """Return the message of an error; for an error of the system with the file first, as other programs print it."""
    return described(error) if isinstance(error, OSError) and error.strerror else str(error)


def hub_spider(loader: SpiderLoaderProtocol, name: str) -> type[HubSpider]:
    """Return the spider of a hub. Raise `UsageError`."""
    spider = loader.load(name) if name in loader.list() else None
    if spider is None or not issubclass(spider, HubSpider):
        raise unknown_hub(name, loader.list())
    return spider


def unknown_hub(name: str, hubs: Iterable[str]) -> SetupError:
    """Return the error for an unknown hub, with the nearest name.

    >>> str(unknown_hub("hugface", ["huggingface", "modelhub"]))
    "unknown hub 'hugface' (choose from huggingface, modelhub); did you mean huggingface?"
    """
    hubs = list(hubs)
    near = difflib.get_close_matches(name, hubs, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return UsageError(f"unknown hub '{printable(name)}' (choose from {', '.join(hubs)}){hint}")


def detach_from_tree(settings: BaseSettings) -> None:
    """Turn off the components that create, lock and fill the data tree, and the browser; other components stay."""
    replace_components(settings, {"ITEM_PIPELINES": {}, "EXTENSIONS": {}, "SPIDER_MIDDLEWARES": {}})
    settings.set("HTTPCACHE_ENABLED", False, priority="cmdline")
    # no spider may change them any more: Playwright does not run in the thread that the shell has for requests
    settings.set("DOWNLOAD_HANDLERS", settings.getdict("DOWNLOAD_HANDLERS"), priority="cmdline")


def replace_components(settings: BaseSettings, components: Mapping[str, Mapping[object, object]]) -> None:
    """Replace this project's components in settings; those of Scrapy and other projects stay."""
    for name, ours in components.items():
        settings.set(name, {**_foreign_components(settings, name), **ours}, priority="cmdline")


def _foreign_components(settings: BaseSettings, name: str) -> dict[object, object]:
    """Return the components of a setting that belong to Scrapy or other projects, or replace Scrapy's own."""
    given = settings.getdict(name).items()
    return {each: order for each, order in given if each == _CORE_STATS or not str(each).startswith(_OURS)}


def spider_name(given: str | None, url: str | None, settings: BaseSettings, loader: SpiderLoaderProtocol) -> str | None:
    """Return the spider that the user names, else that of the hub whose URL it is. Raise `UsageError`."""
    if given is None:
        return _hub_at(url, settings, loader) if url else None
    if given not in loader.list():
        raise unknown_hub(given, loader.list())
    return given


def _hub_at(url: str, settings: BaseSettings, loader: SpiderLoaderProtocol) -> str | None:
    """Return the spider with the longest URL that the page's URL begins with; on one site, that of the listing."""
    spiders = {name: loader.load(name) for name in loader.list()}
    bases = [(base, name) for name, spider in spiders.items() for base in _bases(spider, settings)]
    found = [(base, name) for base, name in bases if f"{url}/".startswith((f"{base}/", f"{base}?"))]
    if not found:
        return None

    def rank(of: tuple[str, str]) -> tuple[int, bool, int]:
        base, name = of
        listing = urlsplit(getattr(spiders[name], "probe", "")).path
        return len(base), bool(listing) and url.startswith(base + listing), -len(name)

    return max(found, key=rank)[1]


def _bases(spider: type, settings: BaseSettings) -> list[str]:
    names = spider.url_settings if issubclass(spider, HubSpider) else ()
    return [comparable(settings[name]) for name in names]


def set_referer(spider: type, settings: BaseSettings) -> None:
    """Send the `Referer` of the hub's own pages, since some APIs answer only such requests."""
    if bases := _bases(spider, settings):
        headers = settings.getdict("DEFAULT_REQUEST_HEADERS")
        settings.set("DEFAULT_REQUEST_HEADERS", {**headers, "Referer": f"{bases[0]}/"}, priority="cmdline")


def check_has_pages(spider: object) -> None:
    """Raise `UsageError` for a hub whose models are read from a clone; `spider` is a spider or its class."""
    name, hub = getattr(spider, "name", ""), getattr(spider, "hub", "")
    if getattr(spider, "repository_settings", ()):
        raise UsageError(
            f"{hub}'s models are listed in a git repository, not on a page; run: scrapy crawl {name} -a fraction=0"
        )
