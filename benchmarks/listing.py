"""Crawls that only list, beside bare loops over the same pages."""

import sys
import urllib.request
from pathlib import Path

from benchmarks.measure import QUERY, crawl, hubs, pages, run, table, times

_BARE = """
import asyncio, sys, aiohttp, orjson
async def main(url, path):
    async with aiohttp.ClientSession() as session:
        with open(path, 'wb') as file:
            while url:
                async with session.get(url) as page:
                    body = await page.read()
                    orjson.loads(body)
                    file.write(body)
                    url = page.links['next']['url'] if 'next' in page.links else None
asyncio.run(main(*sys.argv[1:]))
"""
_LOOP = """
import json, sys, urllib.request
url, models = sys.argv[1], 0
while url:
    with urllib.request.urlopen(url) as page:
        models += len(json.load(page))
        link = page.headers['Link']
    url = link and link[1:link.index('>')]
assert models == int(sys.argv[2])
"""
_OFFICIAL = """
import sys, huggingface_hub
api = huggingface_hub.HfApi(endpoint=sys.argv[1])
listed = sum(1 for _ in api.list_models(full=True, cardData=True, fetch_config=True, sort='created_at'))
assert listed == int(sys.argv[2])
"""


def listing(folder: Path, models: int) -> None:
    """Measure models listed per second by the crawl and other programs."""
    with hubs("--models", str(models)) as url:
        urllib.request.urlopen(url + QUERY).read()  # the large files that the listing names are made once
        bare = run(sys.executable, "-c", _BARE, url + QUERY, str(folder / "pages"))
        official = run(sys.executable, "-c", _OFFICIAL, url, str(models), environment={"HF_HOME": str(folder)})
        ours = crawl("huggingface", folder / "listing", {"fraction": "0", "HUGGINGFACE_URL": url})
    rows = [
        ("pages read, parsed and kept (aiohttp, orjson)", bare),
        ("list_models (huggingface_hub)", official),
        ("crawl: metadata kept, records validated and written", ours),
    ]
    title = f"Listing {models:,} models, start-up included: models per second; time as a multiple of the bare loop"
    table(title, [(what, f"{models / cost.seconds:,.0f}/s", times(cost, bare)) for what, cost in rows])


def stored(folder: Path, models: int, recorded: Path | None) -> None:
    """Measure models listed per second from a server that only sends bytes."""
    with pages(str(models), *([str(recorded)] if recorded else [])) as url:
        loop = run(sys.executable, "-c", _LOOP, f"{url}/api/models", str(models))
        ours = crawl("huggingface", folder / "stored", {"fraction": "0", "HUGGINGFACE_URL": url})
    with pages("1") as url:
        start = crawl("huggingface", folder / "start", {"fraction": "0", "HUGGINGFACE_URL": url})
    rows = [
        ("pages read and parsed (urllib, json)", loop),
        ("crawl: metadata kept, records validated and written", ours),
        ("  of that, start and end", start),
    ]
    kind = "recorded" if recorded else "made"
    title = f"Listing {models:,} {kind} models from stored pages: models per second; time as a multiple of the loop"
    figures = [f"{models / cost.seconds:,.0f}/s {cost.seconds:6.2f} s" for cost in (loop, ours)]
    figures.append(f"{start.seconds:6.2f} s")
    table(title, [(what, figure, times(cost, loop)) for (what, cost), figure in zip(rows, figures, strict=True)])
    table("Its memory at the peak", [("crawl", f"{ours.memory / 1e6:,.0f} MB", "")])


def memory(folder: Path, few: int, many: int) -> None:
    """Measure whether memory grows with the hub."""
    peaks = []
    for models in (few, many):
        with hubs("--models", str(models)) as url:
            settings = {"fraction": "0", "HUGGINGFACE_URL": url}
            peaks.append((models, crawl("huggingface", folder / f"memory-{models}", settings)))
    rows = [(f"{models:,} models", f"{cost.memory / 1e6:,.1f} MB", "") for models, cost in peaks]
    more = (peaks[1][1].memory - peaks[0][1].memory) / 1e6
    table("Memory at its peak", [*rows, ("more", f"{more:,.1f} MB", "")])


def listings(folder: Path, recorded: Path | None) -> None:
    """Measure listings: of made models too, unless there are recorded ones."""
    if recorded is None:
        listing(folder, 30_000)
    stored(folder, 29_431, recorded)
