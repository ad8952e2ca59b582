"""Crawls that clone, beside git alone on the same repositories."""

import urllib.request
from dataclasses import replace
from pathlib import Path

import orjson

from benchmarks.measure import QUERY, Cost, cluster, crawl, hubs, run, table, times
from ptmtorrent_scrapy.formats.sizes import human

_GIT = ("xargs", "-P", "8", "-L", "1", "git", "clone", "--quiet")
_FILTERS = {"clean": "git-lfs clean -- %f", "smudge": "git-lfs smudge -- %f", "process": "git-lfs filter-process"}
_LFS = {"GIT_CONFIG_COUNT": str(len(_FILTERS))}  # as `git lfs install` sets it up
for _number, (_name, _command) in enumerate(_FILTERS.items()):
    _LFS |= {f"GIT_CONFIG_KEY_{_number}": f"filter.lfs.{_name}", f"GIT_CONFIG_VALUE_{_number}": _command}

_WHAT = ("complete repositories", "repositories per second", "MB of weights per second", "bytes on disk per byte")
_FORMS = (",.0f", ".1f", ".1f", ".2f")


def clones(folder: Path, repositories: int) -> None:
    """Measure clones of small repositories, and git alone."""
    with hubs("--models", str(repositories), "--no-large-files") as url:
        listed = orjson.loads(urllib.request.urlopen(url + QUERY).read())
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
    table(title, [(what, f"{cost.seconds:.1f} s", times(cost, alone)) for what, cost in rows])


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
        names = [model["id"] for model in orjson.loads(urllib.request.urlopen(url + QUERY).read())]
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
