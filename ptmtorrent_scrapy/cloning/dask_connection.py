"""The connection to a Dask scheduler, in a thread with its own event loop, so that the crawl never hangs.

https://distributed.dask.org/en/stable/client.html
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from distributed import Client, Security
from distributed.comm.addressing import get_address_host_port
from distributed.comm.core import connect

from ptmtorrent_scrapy.crawl.options import InvalidOption

T = TypeVar("T")

ANSWER = 10.0  # seconds within which a scheduler or a worker answers a short question
_GOODBYE = 3.0  # seconds for closing
_LAST_STEPS = 0.1  # seconds for cancelled tasks to end
_MARGIN = 5.0  # seconds by which the outer bound of a call exceeds the inner one


class Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster", daemon=True)
        self._thread.start()

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine that runs in the other loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def result(self, coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
        """Return the result of a coroutine within a number of seconds. Raise `TimeoutError`."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, seconds), self._loop)
        return future.result(seconds + _MARGIN)

    def stop(self) -> None:
        """Stop the loop, with whatever still hangs in it."""
        self._loop.call_soon_threadsafe(self._halt)
        self._thread.join(_GOODBYE)
        if not self._thread.is_alive():
            self._loop.close()

    def _halt(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(_LAST_STEPS, self._loop.stop)


class Connection:
    """A client of a scheduler; all methods run in the loop of the connection and end within seconds."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    async def open(cls, address: str) -> "Connection":
        """Connect. Raise `OSError` (also for timeouts), `ValueError`, `TypeError` if TLS is not set up."""
        # A client that cannot connect takes half a minute to go away: look first whether anybody answers.
        await asyncio.wait_for(_reach(address), ANSWER)
        client: Any = Client(address, timeout=ANSWER, asynchronous=True, set_as_default=False)
        try:
            with _scheduler():
                await asyncio.wait_for(client, 2 * ANSWER)
        except BaseException:
            await cls(client).close()
            raise
        _silence()
        return cls(client)

    @property
    def is_open(self) -> bool:
        return bool(self._client.status == "running")

    async def workers(self) -> dict[str, dict[str, Any]]:
        """Return the scheduler's information about each worker, by address. Raise `OSError`."""
        with _bounded():
            found = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), ANSWER)
        return dict(found["workers"])

    async def ask(self, worker: str, function: Callable[..., T], *arguments: Any, seconds: float = ANSWER) -> T:
        """Return the result of a function on a worker, outside of its queue. Raise `OSError`, or its errors."""
        with _bounded():
            call = self._client.run(function, *arguments, workers=[worker], on_error="return")
            answer: T | BaseException = (await asyncio.wait_for(call, seconds))[worker]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def submit(self, worker: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return the Dask future of a function in the queue of one worker."""
        return self._client.submit(function, *arguments, workers=[worker], allow_other_workers=False, pure=False)

    async def cancel(self, future: Any) -> None:
        """Take a future out of the queue."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client.cancel([future]), _GOODBYE)

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client._close(fast=True), _GOODBYE)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Turn all failures of a call into the cluster into `OSError`: timeouts, closed connections, cancellations."""
    try:
        yield
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise OSError("the connection was lost") from None
    except Exception as error:  # such as AttributeError of a closed client
        raise OSError(str(error) or "no answer") from error


@contextlib.contextmanager
def _scheduler() -> Iterator[None]:
    """Let the ways in which Dask does not understand another server be an `OSError`."""
    try:
        yield
    except (OSError, TimeoutError, ValueError, TypeError):
        raise
    except Exception as error:  # a MemoryError, if it reads text as a length
        raise OSError(f"the server there is not a Dask scheduler ({type(error).__name__})") from error


async def _reach(address: str) -> None:
    """Connect to a scheduler and leave. Raise `OSError`, `TypeError` if the client's TLS is not set up."""
    arguments = Security().get_connection_args("client")
    _, writer = await asyncio.open_connection(*get_address_host_port(address))  # Dask retries until its time is over
    writer.close()
    with _scheduler():
        connection = await connect(address, timeout=ANSWER, **arguments)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(connection.close(), _GOODBYE)


def reach(address: str) -> None:
    """Check that a scheduler answers, within seconds. Raise `InvalidOption`."""
    loop = Loop()
    try:
        loop.result(_reach(address), ANSWER + _MARGIN)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        accepted = f"the address of a Dask scheduler that answers: {error or 'no answer'}"
        raise InvalidOption("CLONE_CLUSTER", address, accepted) from None
    finally:
        loop.stop()


def _silence() -> None:
    """Turn off Dask's own log, whose tracebacks repeat what the crawl logs in one line."""
    for name in [*logging.root.manager.loggerDict, "distributed"]:
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
