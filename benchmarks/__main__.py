"""`python -m benchmarks [NAME ...] [FILE]`: print figures of this machine; the ratios hold for others, too.

Each table compares measurements of one run, made one after the other on the same machine. FILE has recorded
objects of Hugging Face's listing, one per line; without it they are generated.
"""

import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson

from benchmarks.exports import exports
from benchmarks.measure import Cost, cluster, compiled, crawl, hubs, pages, run, table
from ptmtorrent_scrapy.formats.sizes import human

_QUERY = "/api/models?sort=createdAt&limit=1000&full=true&cardData=true&config=true"

_GIT = ("xargs", "-P", "8", "-L", "1", "git", "clone", "--quiet")
_FILTERS = {"clean": "git-lfs clean -- %f", "smudge": "git-lfs smudge -- %f", "process": "git-lfs filter-process"}
_LFS = {"GIT_CONFIG_COUNT": str(len(_FILTERS))}  # as `git lfs install` sets it up
for _number, (_name, _command) in enumerate(_FILTERS.items()):
    _LFS |= {f"GIT_CONFIG_KEY_{_number}": f"filter.lfs.{_name}", f"GIT_CONFIG_VALUE_{_number}": _command}

_WHAT = ("complete repositories", "repositories per second", "MB of weights per second", "bytes on disk per byte")
_FORMS = (",.0f", ".1f", ".1f", ".2f")

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
        urllib.request.urlopen(url + _QUERY).read()  # the large files that the listing names are made once
        bare = run(sys.executable, "-c", _BARE, url + _QUERY, str(folder / "pages"))
        official = run(sys.executable, "-c", _OFFICIAL, url, str(models), environment={"HF_HOME": str(folder)})
        ours = crawl("huggingface", folder / "listing", {"fraction": "0", "HUGGINGFACE_URL": url})
    rows = [
        ("pages read, parsed and kept (aiohttp, orjson)", bare),
        ("list_models (huggingface_hub)", official),
        ("crawl: metadata kept, records validated and written", ours),
    ]
    title = f"Listing {models:,} models, start-up included: models per second; time as a multiple of the bare loop"
    table(title, [(what, f"{models / cost.seconds:,.0f}/s", _times(cost, bare)) for what, cost in rows])


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
    table(title, [(what, figure, _times(cost, loop)) for (what, cost), figure in zip(rows, figures, strict=True)])
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


def clones(folder: Path, repositories: int) -> None:
    """Measure clones of small repositories, and git alone."""
    with hubs("--models", str(repositories), "--no-large-files") as url:
        listed = orjson.loads(urllib.request.urlopen(url + _QUERY).read())
        names = [model["id"] for model in listed]
        run(*_GIT, stdin=_places(names, url, folder / "first"))  # the server makes the repositories now
        alone = run(*_GIT, stdin=_places(names, url, folder / "xargs"))
        listed_only = crawl("huggingface", folder / "listed", {"fraction": "0", "HUGGINGFACE_URL": url})
        ours = crawl("huggingface", folder / "clones", {"fraction": "1", "HUGGINGFACE_URL": url})
        again = crawl("huggingface", folder / "clones", {"fraction": "1", "HUGGINGFACE_URL": url})
    rows = [
        ("xargs -P 8 git clone", alone),
        ("crawl: started, listed, cloned, recorded", ours),
        ("  of that, without the clones", listed_only),
        ("  the clones", replace(ours, seconds=ours.seconds - listed_only.seconds)),
        ("crawl again, nothing has changed", again),
    ]
    title = f"{repositories} small repositories: seconds; time as a multiple of git alone"
    table(title, [(what, f"{cost.seconds:.1f} s", _times(cost, alone)) for what, cost in rows])


def disk(folder: Path, repositories: int) -> None:
    """Measure bytes on disk per byte of large files."""
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
        ("large files in all clones", human(shown), ""),
        ("the same files, each once", human(once), "1.000"),
        ("occupied on disk, in lfs/ and repos/", human(occupied), f"{occupied / once:.3f}"),
    ]
    table(f"Disk for the large files of {repositories} repositories: bytes on disk per byte", rows)


def shaped(folder: Path, repositories: int) -> None:
    """Measure repositories with large files from a distant server that cuts one answer in fifty."""
    shape = ("--models", str(repositories), "--latency", "0.1", "--cut", "50")
    with hubs(*shape) as url:
        names = [model["id"] for model in orjson.loads(urllib.request.urlopen(url + _QUERY).read())]
        run(*_GIT, stdin=_places(names, url, folder / "first"), environment=_LFS, may_fail=True)
        alone = run(*_GIT, stdin=_places(names, url, folder / "xargs"), environment=_LFS, may_fail=True)
        ours = crawl("huggingface", folder / "shaped", {"fraction": "1", "HUGGINGFACE_URL": url})
    tree = folder / "shaped" / "huggingface"
    lines = [orjson.loads(line) for line in (tree / "json" / "repositories.jsonl").read_text().splitlines()]
    whole = [tree / line["path"] for line in lines if line["status"] == "cloned"]
    theirs = [path.parent for path in (folder / "xargs").glob("*/*/.git") if _is_whole(path.parent)]
    first, second = _figures(theirs, folder / "xargs", alone), _figures(whole, tree, ours)
    rows = [
        (f"{who}: {what}", format(figure, form), f"{figure / least:.2f} x")
        for what, form, least, other in zip(_WHAT, _FORMS, first, second, strict=True)
        for who, figure in (("xargs -P 8 git clone", least), ("crawl", other))
    ]
    table(f"{repositories} repositories, 0.1 s before each answer, one in 50 cut", rows)


def _figures(clones: list[Path], folder: Path, cost: Cost) -> tuple[float, float, float, float]:
    """Return (complete repositories; per second; MB of LFS files per second; bytes on disk per byte of these)."""
    weights = sum(path.stat().st_size for clone in clones for path in _files(clone) if _is_large(path))
    once = {(path.stat().st_dev, path.stat().st_ino): path.stat().st_blocks * 512 for path in _files(folder)}
    return len(clones), len(clones) / cost.seconds, weights / 1e6 / cost.seconds, sum(once.values()) / weights


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _is_large(path: Path) -> bool:
    return path.suffix in (".safetensors", ".onnx") and path.stat().st_size > 10_000


def _is_whole(clone: Path) -> bool:
    """Return whether a clone has everything of its last commit, including large files."""
    large = [path for path in clone.rglob("*") if path.suffix in (".safetensors", ".onnx")]
    return (clone / "README.md").is_file() and all(map(_is_large, large))


def machines(folder: Path, repositories: int) -> None:
    """Measure one worker of a cluster, and two, with the server as the limit."""
    costs = []
    with hubs("--models", str(repositories), "--latency", "0.5") as url:
        given = {"fraction": "1", "HUGGINGFACE_URL": url, "CLONE_CONCURRENCY": "16"}
        crawl("huggingface", folder / "machines-0", given)
        listed_only = crawl("huggingface", folder / "machines-0", {**given, "fraction": "0"})
        for workers in (1, 2):
            with cluster(workers) as address:
                cost = crawl("huggingface", folder / f"machines-{workers}", {**given, "CLONE_CLUSTER": address})
                costs.append(cost.seconds - listed_only.seconds)
    rows = [
        (f"{number} with 4 threads each", f"{cost:.1f} s", f"{costs[0] / cost:.2f} x")
        for number, cost in enumerate(costs, 1)
    ]
    table(f"{repositories} repositories by workers of a cluster, 0.5 s before each answer: times as fast", rows)


def _places(names: list[str], url: str, folder: Path) -> bytes:
    """Return the source and target of each clone for xargs, one line per repository."""
    return "".join(f"{url}/{name} {folder}/{name}\n" for name in names).encode()


def _times(cost: Cost, least: Cost) -> str:
    return f"{cost.seconds / least.seconds:.2f} x"


def _listings(folder: Path, recorded: Path | None) -> None:
    if recorded is None:
        listing(folder, 30_000)
    stored(folder, 29_431, recorded)


_recorded = next((Path(name) for name in sys.argv[1:] if Path(name).is_file()), None)  # objects, one per line
BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "listing": lambda folder: _listings(folder, _recorded),
    "clones": lambda folder: clones(folder, 200),
    "shaped": lambda folder: shaped(folder, 200),
    "machines": lambda folder: machines(folder, 60),
    "disk": lambda folder: disk(folder, 200),
    "memory": lambda folder: memory(folder, 30_000, 300_000),
    "exports": lambda folder: exports(folder, 300_000),
}


def main() -> None:
    """Run the named benchmarks, or all."""
    memory_folder = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory_folder if memory_folder.is_dir() else None))
    try:
        compiled()
        for name in [name for name in sys.argv[1:] if not Path(name).is_file()] or BENCHMARKS:
            (folder / name).mkdir()
            BENCHMARKS[name](folder / name)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
