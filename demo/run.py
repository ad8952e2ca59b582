"""Crawl the stand-in hubs into demo/data, as a user crawls the hubs, and show the files.

The stand-ins run in this process, so they end with it in any case.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from demo.queries import export
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.sizes import human
from tests.hubs import Hubs

DATA = Path("demo/data")  # everything runs in the project's root
MODELS = 300
PORT = 8417  # the same every time, since a clone notes its origin
SHOWN = 5  # files listed per folder


def crawls(hubs: Hubs) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the arguments of each hub's crawl, and the settings with the URL of its stand-in."""
    return {
        "huggingface": (["fraction=0.2"], {"HUGGINGFACE_URL": hubs.url}),
        "huggingface_datasets": (["top=3"], {"HUGGINGFACE_URL": hubs.url}),
        "huggingface_spaces": (["top=3"], {"HUGGINGFACE_URL": hubs.url}),
        "modelhub": ([], {"MODELHUB_URL": hubs.modelhub.url}),
        "modelzoo": ([], {"MODELZOO_URL": hubs.modelzoo.url}),
        "onnxmodelzoo": ([], {}),
        "pytorchhub": ([], {"PYTORCHHUB_URL": hubs.pytorchhub.url}),
    }


def main() -> int:
    """Return the exit status: 0 if every crawl finished."""
    if DATA.exists():
        print(f"{DATA} exists from an earlier demo: repositories that have not changed are not cloned again.\n")
    DATA.mkdir(parents=True, exist_ok=True)
    with Hubs(MODELS, seed=1, port=free_port(), rate_limit=(500, 300)) as hubs:
        print(f"Stand-ins of the hubs answer at {hubs.url}, with {MODELS} models of Hugging Face.")
        statuses = [crawl(hub, *how, hubs.modelhub.git_config) for hub, how in crawls(hubs).items()]
    print(f"\n{DATA}/")
    for line in overview():
        print(f"  {line}")
    print(f"\nThe log of each crawl is {DATA}/HUB.log. Remove demo/data to start afresh.")
    statuses += [export(DATA), report()]
    return max(statuses)


def report() -> int:
    """Write the report of the tree and show how to open it; return the command's exit status."""
    command = ["scrapy", "report"]
    print("\n$", *command, flush=True)
    command += ["-s", f"DATA_DIR={DATA}"]
    return subprocess.run([sys.executable, "-m", *command], stdin=subprocess.DEVNULL, check=False).returncode


def free_port() -> int:
    """Return PORT, or 0 for any other port if that one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def crawl(hub: str, arguments: list[str], settings: Mapping[str, str], git: Mapping[str, str]) -> int:
    """Run a crawl, which shows its own summary; return its exit status."""
    settings = {
        **settings,
        "DATA_DIR": str(DATA),
        "CLONE_PROTOCOLS": "http:https",
        "CLONE_GIT_CONFIG": json.dumps(git),
        "CLONE_MIN_FREE": "100MB",
        "LOG_FILE": f"{DATA}/{hub}.log",
    }
    command = ["scrapy", "crawl", hub, *(option for argument in arguments for option in ("-a", argument))]
    print("\n$", *command, flush=True)
    command += [option for name, value in settings.items() for option in ("-s", f"{name}={value}")]
    began = time.monotonic()
    status = subprocess.run([sys.executable, "-m", *command], stdin=subprocess.DEVNULL, check=False).returncode
    print(f"exit status {status}, {time.monotonic() - began:.1f} seconds", flush=True)
    return status


def overview() -> Iterator[str]:
    """Yield the content of the data tree with sizes, one line each."""
    for hub in sorted(path for path in DATA.iterdir() if path.is_dir()):
        yield f"{hub.name}/"
        for folder in (hub / "html", hub / "json"):
            yield from pages(hub, folder)
        objects = [path for path in (hub / "lfs" / "objects").rglob("*") if path.is_file()]
        clones = [path.parent for path in (hub / "repos").glob("*/*/.git")]
        own = [path for clone in clones for path in clone.rglob("*") if not is_linked(path)]
        yield row("repos/", own, f"{counted(len(clones), 'clone')}, without their large files")
        yield row("lfs/", objects, f"{counted(len(objects), 'large file')}, each once")


def pages(hub: Path, folder: Path) -> Iterator[str]:
    """Yield the files below a folder; for many files in one folder only their number."""
    for here in sorted({path.parent for path in folder.rglob("[!.]*") if path.is_file()}):
        files = sorted(path for path in here.glob("[!.]*") if path.is_file())
        if len(files) > SHOWN:
            yield row(f"{here.relative_to(hub)}/", files, counted(len(files), "file"))
        else:
            yield from (row(str(path.relative_to(hub)), [path], content(path)) for path in files)


def content(path: Path) -> str:
    """Return a text about the amount of data in a file."""
    if path.suffix == ".jsonl":
        return counted(len(path.read_bytes().splitlines()), "line")
    if path.suffix == ".json" and isinstance(array := json.loads(path.read_bytes()), list):
        return f"an array of {len(array):,}"
    return "a page"


def is_linked(path: Path) -> bool:
    return path.lstat().st_nlink > 1 and not path.is_dir()


def row(name: str, files: Iterable[Path], text: str) -> str:
    size = sum(path.lstat().st_size for path in files if not path.is_dir())
    return f"  {name:<44}{human(size):>9}  {text}"


if __name__ == "__main__":
    sys.exit(main())
