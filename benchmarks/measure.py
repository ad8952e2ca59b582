"""Run commands, and measure their time and memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent
QUERY = "/api/models?sort=createdAt&limit=1000&full=true&cardData=true&config=true"
_WATCHED = 0.3  # seconds between two measurements of memory


@dataclass(frozen=True)
class Cost:
    """The time and memory of a command."""

    seconds: float
    memory: int  # bytes at the peak, of the command's largest process; `run_watched`: of all together
    processor: float  # seconds, of all its processes


def run(*command: str, environment: dict[str, str] | None = None, stdin: bytes = b"", may_fail: bool = False) -> Cost:
    """Run a command to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    process.stdin.write(stdin)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not may_fail:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(time.perf_counter() - began, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def run_watched(*command: str) -> Cost:
    """Run a command to its end, and watch the memory of all its processes."""
    peak, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_WATCHED):
            peak = max(peak, sum(map(_memory, _processes(os.getpid()))) - _memory(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        cost = run(*command)
    finally:
        ended.set()
        watcher.join()
    return replace(cost, memory=max(cost.memory, peak))


def _processes(parent: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield parent
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            for child in file.read_text().split():
                yield from _processes(int(child))


def _memory(process: int) -> int:
    """Return the memory of a process in bytes, with its share of memory that several processes use."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return 0


def times(cost: Cost, least: Cost) -> str:
    """Return how many times as long a command took as another one."""
    return f"{cost.seconds / least.seconds:.2f} x"


def crawl(hub: str, data: Path, settings: dict[str, str]) -> Cost:
    """Crawl a hub; settings in lower case are arguments."""
    given = {**settings, "DATA_DIR": str(data), "CLONE_PROTOCOLS": "http", "CLONE_MIN_FREE": "100MB"}
    options = [f"{'-a' if name.islower() else '-s'}{name}={value}" for name, value in given.items()]
    return run(sys.executable, "-m", "scrapy", "crawl", hub, *options)


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """Yield the address of a Dask scheduler with that many workers of four threads each."""
    host = ("--host", "127.0.0.1", "--no-dashboard")
    with ExitStack() as processes:
        address = _ready(processes, "Scheduler at:", "scheduler", *host, "--port", "0", "--no-show").split()[-1]
        for _ in range(workers):
            _ready(processes, "Registered to:", "worker", address, *host, "--nthreads", "4", "--no-nanny")
        yield address


def _ready(processes: ExitStack, says: str, what: str, *options: str) -> str:
    """Start a part of a cluster; return the line that says that it is ready."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    processes.callback(process.wait)
    processes.callback(process.kill)
    assert process.stderr
    processes.callback(process.stderr.close)
    return next(line for line in process.stderr if says in line)


def compiled() -> None:
    """Compile the modules, as in an installed package."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    folders = ("ptmtorrent_scrapy", "benchmarks", "tests")
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], cwd=ROOT, env=environment, check=True)


@contextmanager
def hubs(*options: str) -> Iterator[str]:
    """Yield the base URL of stand-in hubs in another process."""
    with _serving("tests.hubs", "--rate-limit", "none", "--no-troubles", *options) as url:
        yield url


@contextmanager
def pages(*options: str) -> Iterator[str]:
    """Yield the base URL of a server that only sends the pages of a listing."""
    with _serving("benchmarks.pages", *options) as url:
        yield url


@contextmanager
def _serving(module: str, *options: str) -> Iterator[str]:
    command = [sys.executable, "-m", module, *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield next(line for line in server.stdout if "HUGGINGFACE_URL=" in line).split("=", 1)[1].strip()
        finally:
            server.terminate()


def table(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print rows of (what, figure, ratio)."""
    print(f"\n{title}")
    for what, figure, ratio in rows:
        print(f"  {what:<58} {figure:>16} {ratio:>8}")
