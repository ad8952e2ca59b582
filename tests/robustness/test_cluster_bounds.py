"""Every call into a cluster has a limit: a stopped scheduler and a stopped worker answer nothing."""

import asyncio
import contextlib
import inspect
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from ptmtorrent_scrapy import settings as project
from ptmtorrent_scrapy.cloning import dask_connection, dask_executor
from ptmtorrent_scrapy.cloning.dask_connection import ANSWER, Connection, reach
from ptmtorrent_scrapy.cloning.dask_executor import Cluster
from ptmtorrent_scrapy.cloning.executor import ClusterLost
from ptmtorrent_scrapy.cloning.settings import clone_settings
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.git.clone import head_commit
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.storage.tree import DataTree
from tests.crawls.test_cluster import Cluster as Processes

_BOUND = 12 * ANSWER  # seconds, for a loaded machine: a call without a limit never ends


@pytest.fixture
def processes(folder: Path) -> Iterator[Processes]:
    """Yield a scheduler and two workers, to be stopped."""
    (folder / "cluster").mkdir()
    processes = Processes(folder / "cluster")
    processes.start()
    yield processes
    processes.stop()


@pytest.fixture
def other_server() -> Iterator[str]:
    """Yield the address of a server that is not a scheduler."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server,))
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _answer(server: socket.socket) -> None:
    """Answer each connection, until the server is shut down."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 10)
                while connection.recv(1 << 16):
                    pass


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Yield the address of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that shortens all waits for answers to a second."""

    def begin() -> None:
        for module in (dask_connection, dask_executor):
            monkeypatch.setattr(module, "ANSWER", 0.5)
        monkeypatch.setattr(dask_connection, "_MARGIN", 0.5)

    return begin


def public(kind: type) -> set[str]:
    """Return the public coroutines."""
    members = inspect.getmembers(kind, inspect.iscoroutinefunction)
    return {name for name, _ in members if not name.startswith("_")}


async def outcome(call: Callable[[], Coroutine[Any, Any, object]]) -> BaseException | None:
    """Return the result or error of a call; one that does not end raises `TimeoutError` here."""
    try:
        await asyncio.wait_for(call(), _BOUND)
    except (OSError, ClusterLost) as error:
        return error
    return None


def test_every_call_of_a_connection_has_a_bound(processes: Processes, impatience: Callable[[], None]) -> None:
    async def calls() -> dict[str, BaseException | None]:
        connection = await Connection.open(processes.address)
        worker = next(iter(await connection.workers()))
        future = connection.submit(worker, time.time)
        for process in processes.processes:
            process.send_signal(signal.SIGSTOP)
        impatience()
        asked = {
            "open": lambda: Connection.open(processes.address),
            "workers": connection.workers,
            "ask": lambda: connection.ask(worker, time.time),
            "cancel": lambda: connection.cancel(future),
        }
        ended = await asyncio.gather(*map(outcome, asked.values()))
        return {**dict(zip(asked, ended, strict=True)), "close": await outcome(connection.close)}

    ended = asyncio.run(calls())
    assert ended.keys() == public(Connection)
    assert all(isinstance(ended[name], OSError) for name in ("open", "workers", "ask"))


def test_every_call_of_the_executor_has_a_bound(
    processes: Processes, tmp_path: Path, impatience: Callable[[], None]
) -> None:
    tree = DataTree(tmp_path, "huggingface")
    tree.folder.mkdir()
    given = Settings()
    given.setmodule(project)
    given.setdict({"CLONE_CLUSTER": processes.address, "CLUSTER_PATIENCE": 1})
    request = CloneRequest(
        url="https://hub.example/o/m", path=str(tmp_path / "m"), store=str(tmp_path), commit="1" * 40
    )

    async def calls() -> dict[str, BaseException | None]:
        with tree.claim():
            cluster = Cluster(clone_settings(given), tree)
            ended = {"start": await outcome(cluster.start)}
            assert await cluster.run(head_commit, request) == ("1" * 40, {})
            for process in processes.processes:
                process.send_signal(signal.SIGSTOP)
            impatience()
            ended["run"] = await outcome(lambda: cluster.run(head_commit, request))
            ended["cancel"] = await outcome(cluster.cancel)
            ended["close"] = await outcome(cluster.close)
            return ended

    ended = asyncio.run(calls())
    assert ended.keys() == public(Cluster)
    assert isinstance(ended["run"], ClusterLost)
    assert processes.address in str(ended["run"])
    assert [path.name for path in tree.folder.iterdir()] == []


def test_a_server_that_says_nothing_is_no_scheduler(silent_server: str, impatience: Callable[[], None]) -> None:
    impatience()
    began = time.monotonic()
    with pytest.raises(InvalidOption, match=f"CLONE_CLUSTER={silent_server}"):
        reach(silent_server)
    assert time.monotonic() - began < _BOUND


def test_another_server_is_no_scheduler(other_server: str) -> None:
    with pytest.raises(InvalidOption, match="the server there is not a Dask scheduler"):
        reach(other_server)
