"""A browser for pages that render by script: where it is, and how scrapy-playwright uses it.

https://github.com/scrapy-plugins/scrapy-playwright
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies
from weakref import WeakSet

from scrapy import Request
from scrapy.settings import BaseSettings

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, WebSocketRoute
    from playwright.async_api import Request as PlaywrightRequest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# In the folders into which Playwright installs its own, on Linux and macOS
_PLAYWRIGHTS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium_headless_shell-*/chrome-*/*headless*shell",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_WANTED = ("document", "stylesheet", "script", "xhr", "fetch")  # and no images, fonts, films or icons
_INSIDE = ("data", "blob", "about")  # of URLs that no host is asked for
_confined: "WeakSet[BrowserContext]" = WeakSet()
_ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


def find() -> str | None:
    """Return the path of a Chromium: one of this machine, else one that Playwright has installed."""
    installed = (shutil.which(name) for name in _PROGRAMS)
    playwrights = (str(path) for folder in _folders() for kind in _PLAYWRIGHTS for path in sorted(folder.glob(kind)))
    return next((path for path in (*installed, *playwrights) if path and os.access(path, os.X_OK)), None)


def problem() -> str | None:
    """Return why no page can be loaded in a browser; None if nothing prevents it."""
    if find() is None:
        return "no browser is installed"
    if find_spec("scrapy_playwright") is None:
        return 'scrapy-playwright is not installed; pip install "ptmtorrent-scrapy[browser]"'
    driver = subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, check=False)
    errors = driver.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"Playwright does not run: {(errors or ['no error message'])[-1]}" if driver.returncode else None


def _folders() -> Iterator[Path]:
    if folder := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        yield Path(folder)
    elif home := os.environ.get("HOME"):
        yield Path(home, ".cache", "ms-playwright")
        yield Path(home, "Library", "Caches", "ms-playwright")


def configure(settings: BaseSettings, site: str, executable: str) -> None:
    """Let the crawl load pages of a site, and of no other, in a browser; it starts with the first `request`."""
    parts = urlsplit(site)
    handler = "ptmtorrent_scrapy.downloadhandlers.browser.BrowserHandler"  # imported by the crawls that use it alone
    wanted = {
        "DOWNLOAD_HANDLERS": {**settings.getdict("DOWNLOAD_HANDLERS"), parts.scheme: handler},
        "PLAYWRIGHT_LAUNCH_OPTIONS": launch_options(executable, parts.hostname or ""),
        "PLAYWRIGHT_ABORT_REQUEST": partial(is_unwanted, parts.netloc),
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": 30_000,  # milliseconds
    }
    for name, value in wanted.items():
        settings.set(name, value, priority="spider")


def launch_options(executable: str, host: str) -> dict[str, Any]:
    """Return options of https://playwright.dev/python/docs/api/class-browsertype#browser-type-launch."""
    arguments = list(_ARGUMENTS)
    if not getproxies():  # which would be looked up by name as well
        # no redirect leads elsewhere either, which Playwright reports afterwards only
        arguments.append(f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {host}")
    return {
        "executable_path": executable,
        "args": arguments,
        "chromium_sandbox": os.geteuid() != 0,  # which Chromium refuses to root
        **dict.fromkeys(("handle_sigint", "handle_sigterm", "handle_sighup"), False),  # the crawl ends it
    }


def is_unwanted(site: str, request: "PlaywrightRequest") -> bool:
    """Return whether a page does not get what it asks for; `site` is the host that it is on."""
    parts = urlsplit(request.url)
    return request.resource_type not in _WANTED or (parts.scheme not in _INSIDE and parts.netloc != site)


async def confine(page: "Page", _: Request) -> None:
    """Keep a page from opening others and web sockets: `is_unwanted` sees neither."""
    page.on("popup", lambda popup: popup.close())
    await page.route_web_socket(re.compile(""), _refuse)
    if page.context not in _confined:
        _confined.add(page.context)
        await page.context.route(re.compile(""), lambda route: route.abort())  # asked by pages without a route alone


async def _refuse(socket: "WebSocketRoute") -> None:
    await socket.close()


def request(url: str) -> Request:
    """Return a request for a page as it is once its scripts have run and it has come to rest."""
    meta = {
        "playwright": True,
        "dont_cache": True,  # the rendered page is not the server's answer
        "playwright_page_goto_kwargs": {"wait_until": "networkidle"},  # nothing was asked for half a second
        "playwright_page_init_callback": confine,
        "playwright_context_kwargs": {"accept_downloads": False, "service_workers": "block"},
        "max_retry_times": 1,
    }
    return Request(url, meta=meta, dont_filter=True)
