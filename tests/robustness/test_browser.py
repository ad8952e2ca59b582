"""Pages that attack the browser that shows them."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from scrapy import Request

from ptmtorrent_scrapy.downloadhandlers import chromium, chromium_program
from tests.hubs import Hubs

_PAGE = """<!doctype html><title>A model</title><a id="link" target="_blank" href="/popup-by-link">more</a><script>
  window.open("/popup-by-script");
  document.getElementById("link").click();
  window.open("javascript:fetch('/popup-that-fetches')");
  new WebSocket("ws://" + location.host + "/socket");
  document.title = "shown";
</script>"""


@pytest.fixture
def page() -> Iterator[Hubs]:
    with Hubs(models=3) as hubs:
        hubs.faults.add("^/page$", status=200, body=_PAGE, headers={"Content-Type": "text/html"})
        yield hubs


async def shown(hubs: Hubs, executable: str) -> str:
    """Return the title of a page, shown as by a crawl, once all pages that it opened are closed."""
    from playwright.async_api import async_playwright

    site = f"127.0.0.1:{hubs.port}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.launch_options(executable, "127.0.0.1"))
        context = await browser.new_context(service_workers="block")
        tab = await context.new_page()
        await chromium.confine(tab, Request(f"{hubs.url}/page"))
        unwanted = partial(chromium.is_unwanted, site)
        await tab.route("**", lambda route, request: route.abort() if unwanted(request) else route.continue_())
        await tab.goto(f"{hubs.url}/page", wait_until="networkidle")
        title = await tab.title()
        for other in set(context.pages) - {tab}:  # `confine` closes each as it opens
            if not other.is_closed():
                await other.wait_for_event("close")
        await browser.close()
    return title


def test_a_page_opens_neither_pages_nor_sockets(page: Hubs) -> None:
    if (executable := chromium_program.find()) is None:
        pytest.skip("no browser is installed")
    assert asyncio.run(shown(page, executable)) == "shown"
    assert [request.path for request in page.requests] == ["/page"]
