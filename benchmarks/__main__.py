"""`python -m benchmarks`: the figures of the machine it runs on; ratios hold for others too.

Each table compares what was measured in one run, one thing after the other on the same machine.
"""

import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson

from benchmarks.measure import Cost, crawl, hubs, run, table
from ptmtorrent_scrapy.sizes import human

_QUERY = "/api/models?sort=createdAt&limit=1000&full=true&cardData=true&config=true"

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
_OFFICIAL = """
import sys, huggingface_hub
api = huggingface_hub.HfApi(endpoint=sys.argv[1])
listed = sum(1 for _ in api.list_models(full=True, cardData=True, fetch_config=True, sort='created_at'))
assert listed == int(sys.argv[2])
"""


def listing(folder: Path, models: int) -> None:
    """Models listed in a second, by what is done with them."""
    with hubs("--models", str(models)) as url:
        urllib.request.urlopen(url + _QUERY).read()  # the large files that the listing names are made once
        bare = run(sys.executable, "-c", _BARE, url + _QUERY, str(folder / "pages"))
        official = run(sys.executable, "-c", _OFFICIAL, url, str(models), environment={"HF_HOME": str(folder)})
        ours = crawl("huggingface", folder / "listing", {"fraction": "0", "HUGGINGFACE_URL": url})
    rows = [
        ("pages read, parsed and kept (aiohttp, orjson)", bare),
        ("list_models (huggingface_hub)", official),
        ("crawl: metadata kept, records validated and written", ours),
    ]
    title = f"Listing {models:,} models, start-up included: models in a second; time as a multiple of the bare loop"
    table(title, [(what, f"{models / cost.seconds:,.0f}/s", _times(cost, bare)) for what, cost in rows])


def memory(folder: Path, few: int, many: int) -> None:
    """Whether memory grows with the hub."""
    peaks = []
    for models in (few, many):
        with hubs("--models", str(models)) as url:
            settings = {"fraction": "0", "HUGGINGFACE_URL": url}
            peaks.append((models, crawl("huggingface", folder / f"memory-{models}", settings)))
    rows = [(f"{models:,} models", f"{cost.memory / 1e6:,.1f} MB", "") for models, cost in peaks]
    more = (peaks[1][1].memory - peaks[0][1].memory) / 1e6
    table("Memory at its peak", [*rows, ("more", f"{more:,.1f} MB", "")])


def clones(folder: Path, repositories: int) -> None:
    """Small repositories, beside git alone."""
    with hubs("--models", str(repositories), "--no-large-files") as url:
        listed = orjson.loads(urllib.request.urlopen(url + _QUERY).read())
        names = "".join(f"{url}/{model['id']} {folder}/xargs/{model['id']}\n" for model in listed).encode()
        clone = ("xargs", "-P", "8", "-L", "1", "git", "clone", "--quiet")
        run(*clone, stdin=names.replace(b"/xargs/", b"/first/"))  # the server makes the repositories now
        alone = run(*clone, stdin=names)
        told = crawl("huggingface", folder / "listed", {"fraction": "0", "HUGGINGFACE_URL": url})
        ours = crawl("huggingface", folder / "clones", {"fraction": "1", "HUGGINGFACE_URL": url})
        again = crawl("huggingface", folder / "clones", {"fraction": "1", "HUGGINGFACE_URL": url})
    rows = [
        ("xargs -P 8 git clone", alone),
        ("crawl: started, listed, cloned, recorded", ours),
        ("  of that without the clones", told),
        ("  the clones", replace(ours, seconds=ours.seconds - told.seconds)),
        ("crawl again, nothing has changed", again),
    ]
    title = f"{repositories} small repositories: seconds; time as a multiple of git alone"
    table(title, [(what, f"{cost.seconds:.1f} s", _times(cost, alone)) for what, cost in rows])


def disk(folder: Path, repositories: int) -> None:
    """Bytes on disk for a byte of large files."""
    with hubs("--models", str(repositories)) as url:
        crawl("huggingface", folder / "disk", {"fraction": "1", "HUGGINGFACE_URL": url})
    tree = folder / "disk" / "huggingface"
    objects = [path.stat().st_size for path in (tree / "lfs" / "objects").rglob("*") if path.is_file()]
    lines = (tree / "json" / "repositories.jsonl").read_text().splitlines()
    shown = sum(orjson.loads(line)["lfs_bytes"] for line in lines)
    files = [path.stat() for part in ("lfs", "repos") for path in (tree / part).rglob("*") if path.is_file()]
    blocks = {(file.st_dev, file.st_ino): file.st_blocks * 512 for file in files if file.st_size >= min(objects)}
    occupied, once = sum(blocks.values()), sum(objects)
    rows = [
        ("what the clones show of large files", human(shown), ""),
        ("that, each once", human(once), "1.000"),
        ("what that occupies on disk, in lfs/ and repos/", human(occupied), f"{occupied / once:.3f}"),
    ]
    table(f"Disk for the large files of {repositories} repositories: bytes for a byte", rows)


def _times(cost: Cost, least: Cost) -> str:
    return f"{cost.seconds / least.seconds:.2f} x"


BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "listing": lambda folder: listing(folder, 30_000),
    "clones": lambda folder: clones(folder, 200),
    "disk": lambda folder: disk(folder, 200),
    "memory": lambda folder: memory(folder, 30_000, 300_000),
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    memory_folder = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory_folder if memory_folder.is_dir() else None))
    try:
        for name in sys.argv[1:] or BENCHMARKS:
            BENCHMARKS[name](folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
