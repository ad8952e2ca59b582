"""Faults of the stand-in hubs on demand."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Fault:
    """A fault for requests whose path and query contain a pattern."""

    path: str
    method: str | None = None
    status: int | None = None  # answer that, with `headers` and `body`
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    cut: int | None = None  # close the connection after this many bytes of the true answer
    garble: bool = False  # omit the end of the true answer, without an error
    slow: float = 0  # seconds before the true answer
    stall: bool = False  # send nothing, ever; with `cut` nothing more
    times: int | None = None  # number of times; None for always
    after: int = 0  # number of requests before the first fault
    every: int = 1  # then one in this many requests
    seen: int = 0
    done: int = 0

    @property
    def spoils(self) -> bool:
        """Return whether it changes the true answer, instead of giving its own."""
        return self.cut is not None or self.garble or self.slow > 0

    def strikes(self, request: web.Request) -> bool:
        """Return whether this request gets the fault."""
        if self.method not in (None, request.method) or not re.search(self.path, request.path_qs):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.seen - self.after) % self.every or self.done == self.times:
            return False
        self.done += 1
        return True


class Faults(list[Fault]):
    """The faults of a server."""

    def add(self, path: str, **options: Any) -> Fault:
        """Add a fault."""
        fault = Fault(path, **options)
        self.append(fault)
        return fault

    def strike(self, request: web.Request) -> Fault | None:
        """Return the fault of a request."""
        return next((fault for fault in self if fault.strikes(request)), None)


async def answer(fault: Fault) -> web.StreamResponse:
    """Return the wrong answer."""
    if fault.stall:
        await asyncio.Event().wait()
    return web.Response(status=fault.status or 500, headers=fault.headers, text=fault.body)


async def spoilt(fault: Fault, response: web.StreamResponse) -> web.StreamResponse:
    """Return the true answer, late or garbled; the sender cuts it."""
    await asyncio.sleep(fault.slow)
    if fault.garble and isinstance(response, web.Response) and isinstance(response.body, bytes):
        response.body = response.body[: len(response.body) // 2]
    return response
