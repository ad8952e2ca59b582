"""Configure scrapy-playwright's browser for pages that are rendered by scripts.

https://github.com/scrapy-plugins/scrapy-playwright
"""

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies
from weakref import WeakSet

from scrapy import Request
from scrapy.settings import BaseSettings

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, WebSocketRoute
    from playwright.async_api import Request as PlaywrightRequest

_WANTED = ("document", "stylesheet", "script", "xhr", "fetch")  # and no images, fonts, videos or icons
_INSIDE = ("data", "blob", "about")  # of URLs without a host
_confined: "WeakSet[BrowserContext]" = WeakSet()
_ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


def configure(settings: BaseSettings, site: str, executable: str) -> None:
    """Let the crawl load pages of a site, and of no other, in a browser; it starts with the first `request`."""
    parts = urlsplit(site)
    handler = "ptmtorrent_scrapy.downloadhandlers.browser.BrowserHandler"  # imported only by crawls that use it
    values = {
        "DOWNLOAD_HANDLERS": {**settings.getdict("DOWNLOAD_HANDLERS"), parts.scheme: handler},
        "PLAYWRIGHT_LAUNCH_OPTIONS": launch_options(executable, parts.hostname or ""),
        "PLAYWRIGHT_ABORT_REQUEST": partial(is_unwanted, parts.netloc),
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": 30_000,  # milliseconds
    }
    for name, value in values.items():
        settings.set(name, value, priority="spider")


def is_configured(settings: BaseSettings) -> bool:
    """Return whether the crawl loads pages in a browser."""
    return "PLAYWRIGHT_LAUNCH_OPTIONS" in settings


def launch_options(executable: str, host: str) -> dict[str, Any]:
    """Return options of https://playwright.dev/python/docs/api/class-browsertype#browser-type-launch."""
    arguments = list(_ARGUMENTS)
    if not getproxies():  # which would otherwise be looked up by name
        # also stops redirects, which Playwright reports only afterwards
        arguments.append(f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {host}")
    return {
        "executable_path": executable,
        "args": arguments,
        "chromium_sandbox": os.geteuid() != 0,  # which Chromium refuses for root
        **dict.fromkeys(("handle_sigint", "handle_sigterm", "handle_sighup"), False),  # the crawl ends it
    }


def is_unwanted(site: str, request: "PlaywrightRequest") -> bool:
    """Return whether a request of a page is refused; `site` is the host of the page."""
    parts = urlsplit(request.url)
    return request.resource_type not in _WANTED or (parts.scheme not in _INSIDE and parts.netloc != site)


async def confine(page: "Page", _: Request) -> None:
    """Keep a page from opening other pages and web sockets, which `is_unwanted` does not see."""
    page.on("popup", lambda popup: popup.close())
    await page.route_web_socket(re.compile(""), _refuse)
    if page.context not in _confined:
        _confined.add(page.context)
        await page.context.route(re.compile(""), lambda route: route.abort())  # only called for pages without a route


async def _refuse(socket: "WebSocketRoute") -> None:
    await socket.close()


def request(url: str) -> Request:
    """Return a request for a page after its scripts have run and it has finished loading."""
    meta = {
        "playwright": True,
        "dont_cache": True,  # the rendered page is not the server's answer
        "playwright_page_goto_kwargs": {"wait_until": "networkidle"},  # no request for half a second
        "playwright_page_init_callback": confine,
        "playwright_context_kwargs": {"accept_downloads": False, "service_workers": "block"},
        "max_retry_times": 1,
    }
    return Request(url, meta=meta, dont_filter=True)
