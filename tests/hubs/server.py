"""The stand-in server for all hubs: repositories, large files, faults, and a record of requests."""

import asyncio
import hashlib
import os
import re
import shutil
import socket
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.hubs import files, git_http, hostile, lfs
from tests.hubs.content import Files, Objects, Repository, commit, tree, write_bare
from tests.hubs.faults import Fault, Faults, answer, spoilt
from tests.hubs.huggingface import HuggingFace
from tests.hubs.modelhub import Modelhub
from tests.hubs.models import Models
from tests.hubs.modelzoo import ModelZoo
from tests.hubs.onnxmodelzoo import OnnxModelZoo
from tests.hubs.pytorchhub import PyTorchHub

_GIT = re.compile(r"/(?P<path>.+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack)")
_BATCH = re.compile(r"/(?P<path>.+?)(?:\.git)?/info/lfs/objects/batch")
_REMEMBERED = 100_000  # requests
_PIECE = 1 << 16  # bytes
_TAGGED = ("/modelhub/", "/modelzoo/api/")  # pages that have an ETag


def in_memory() -> Path | None:
    """Return a folder in memory, if possible: repositories have many small files."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None


@dataclass
class Asked:
    """A request and its answer."""

    method: str
    path: str  # with the query
    status: int
    headers: Mapping[str, str]
    sent: int  # bytes of the answer; grows while a large one is sent


class Served:
    """A served repository; tests change it as its owner would."""

    def __init__(self, hubs: "Hubs", path: str, repository: Repository) -> None:
        self._hubs = hubs
        self.path = path
        self.branch = repository.branch
        self.folder = hubs.folder / f"{hashlib.sha256(path.encode()).hexdigest()}.git"
        self.head, objects = repository.objects()
        self._number = len(repository.commits)
        self._keep(repository, objects)

    def _keep(self, repository: Repository, objects: Objects) -> None:
        write_bare(self.folder, self.head, objects, self.branch)
        self._hubs.objects.update(repository.large)

    def push(self, files: Files, *, parent: bool = True) -> str:
        """Add a commit with exactly these files; without a parent it rewrites the history."""
        made = Repository()
        objects: Objects = {}
        of_tree = tree(files, objects, made.large)
        self._number += 1
        self.head = commit(of_tree, self.head if parent else None, self._number, objects)
        self._keep(made, objects)
        return self.head

    def rename_branch(self, branch: str) -> None:
        """Rename the default branch."""
        (self.folder / "refs" / "heads" / self.branch).unlink()
        self.branch = branch
        write_bare(self.folder, self.head, {}, branch)

    def commit(self, revision: str) -> str | None:
        """Return the commit of a branch, or of an id of a commit."""
        if revision in (self.branch, "main", "HEAD"):
            return self.head
        return revision if revision in files.history(self.folder, self.head) else None

    def remove(self) -> None:
        """Remove it from the server."""
        del self._hubs.repositories[self.path]

    def rename(self, path: str) -> None:
        """Serve it at another path; the previous one redirects there."""
        self.remove()
        self._hubs.moved[self.path] = path
        self._hubs.repositories[path] = self
        self.path = path

    async def answer(self, request: web.Request, service: str) -> web.Response:
        return await git_http.serve(request, self.folder, service)


class Hubs:
    """The five hubs on loopback, from `start` to `stop` or in a `with` block.

    `models` and `seed` define the models of Hugging Face; `rate_limit` is (requests, seconds) of its API's window;
    `token` belongs to a user who has access to everything; `latency` is seconds before each answer; `repositories` is
    a folder that keeps generated repositories, by default a temporary one. After `weeks` models
    were created, renamed, removed, and have new commits.
    """

    def __init__(
        self,
        models: int = 300,
        seed: int = 0,
        *,
        port: int = 0,
        rate_limit: tuple[int, int] | None = None,
        token: str | None = None,
        troubles: bool = True,
        large_files: bool = True,
        repositories: Path | None = None,
        latency: float = 0,
        weeks: int = 0,
    ) -> None:
        self.port = port
        self._kept = repositories
        self.token = token
        self._latency = latency
        self.faults = Faults()
        self.requests: deque[Asked] = deque(maxlen=_REMEMBERED)
        self._arrival = threading.Condition()
        self._arrived: deque[str] = deque(maxlen=_REMEMBERED)
        self.arrived = 0  # requests
        self.pages: dict[str, bytes] = {}  # answers of a test, by path
        self.repositories: dict[str, Served] = {}
        self.moved: dict[str, str] = {}
        self.objects: dict[str, bytes] = {}  # large files by oid
        self.huggingface = HuggingFace(
            self,
            Models(models, seed, troubles=troubles, large_files=large_files, weeks=weeks),
            rate_limit=rate_limit,
        )
        self.modelhub = Modelhub(self, seed)
        self.modelzoo = ModelZoo(self)
        self.onnxmodelzoo = OnnxModelZoo(self, seed)
        self.pytorchhub = PyTorchHub(self)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hubs", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self.folder = self._kept or Path(tempfile.mkdtemp(prefix="hubs-", dir=in_memory()))
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    async def _start(self) -> None:
        application = web.Application(middlewares=[self._middleware], client_max_size=1 << 30)
        application.router.add_get("/robots.txt", _robots)
        application.router.add_get("/_lfs/{oid}", self._object)
        application.router.add_post("/_faults", self._add_fault)
        application.router.add_delete("/_faults", self._clear_faults)
        self.modelhub.add_routes(application.router)
        self.modelzoo.add_routes(application.router)
        self.pytorchhub.add_routes(application.router)
        self.huggingface.add_routes(application.router)
        application.router.add_route("*", "/{path:.+}", self._other)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        listening = socket.create_server(("127.0.0.1", self.port))
        listening.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE
        )  # so that sent bytes are nearly those that were read
        await web.SockSite(self._runner, listening).start()
        self.port = self._runner.addresses[0][1]

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._kept is None:
            shutil.rmtree(self.folder)

    async def _stop(self) -> None:
        """End the server and its unanswered requests."""
        await self._runner.cleanup()
        unanswered = asyncio.all_tasks() - {asyncio.current_task()}
        for task in unanswered:
            task.cancel()
        await asyncio.gather(*unanswered, return_exceptions=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def serve(self, path: str, repository: Repository) -> Served:
        """Serve a repository: `/owner/name` is one of Hugging Face, `/github.com/owner/name` one of GitHub."""
        served = Served(self, path.strip("/"), repository)
        self.repositories[served.path] = served
        return served

    def asked(self, pattern: str) -> list[Asked]:
        """Return the requests whose path matches a pattern."""
        return [request for request in list(self.requests) if re.search(pattern, request.path)]

    def wait_for(self, pattern: str) -> None:
        """Wait for a request whose path contains the pattern, even if it is never answered."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: any(re.search(pattern, path) for path in self._arrived), timeout=60)

    def wait_for_requests(self, number: int, until: Callable[[], object] = lambda: False) -> None:
        """Wait until a number of requests have arrived, or until a condition is true."""
        tries = 1200
        with self._arrival:
            while self.arrived < number and not until():
                self._arrival.wait(timeout=0.1)
                tries -= 1
                assert tries, f"{self.arrived} requests have come, and not {number}"

    def find(self, path: str) -> Served | None:
        """Return the repository at a path; make a generated one on demand."""
        if path not in self.repositories:
            for hub in (self.huggingface, self.modelhub, self.modelzoo, self.onnxmodelzoo, self.pytorchhub):
                if (repository := hub.repository(path)) is not None:
                    self.serve(path, repository)
            if (make := hostile.REPOSITORIES.get(path.removeprefix("hostile/"))) and path.startswith("hostile/"):
                self.serve(path, make(self.url))
        return self.repositories.get(path)

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        with self._arrival:
            self._arrived.append(request.path_qs)
            self.arrived += 1
            self._arrival.notify_all()
        await asyncio.sleep(self._latency)
        fault = self.faults.strike(request)
        response = await (answer(fault) if fault and not fault.spoils else handler(request))
        if request.path.startswith(_TAGGED):
            response = _conditional(request, response)
        if fault and fault.spoils:
            response = await spoilt(fault, response)
        sent = response.body_length if response.prepared else len(getattr(response, "body", None) or b"")
        if fault and fault.cut is not None:
            sent = min(sent, fault.cut)
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        asked = Asked(request.method, request.path_qs, response.status, headers, sent)
        self.requests.append(asked)
        if fault is not None and fault.cut is not None:
            return await _cut(request, response, fault.cut, stall=fault.stall)
        return response if sent < _PIECE or response.prepared else await _in_pieces(request, response, asked)

    async def _other(self, request: web.Request) -> web.StreamResponse:
        """Return pages of tests, and git and git-lfs for any path."""
        if request.path in self.pages:
            return web.Response(body=self.pages[request.path])
        for pattern, serve in ((_BATCH, self._batch), (_GIT, self._git)):
            if match := pattern.fullmatch(request.path):
                return await serve(request, match)
        return await self.huggingface.file(request)

    async def _git(self, request: web.Request, match: re.Match[str]) -> web.StreamResponse:
        if elsewhere := self._elsewhere(request, match["path"]):
            return elsewhere
        return await self.repositories[match["path"]].answer(request, match["service"])

    async def _batch(self, request: web.Request, match: re.Match[str]) -> web.StreamResponse:
        return self._elsewhere(request, match["path"]) or await lfs.batch(request, self.large)

    def _elsewhere(self, request: web.Request, path: str) -> web.Response | None:
        """Return the answer to a client that cannot get a repository at that path."""
        if answered := self.redirect(request, path) or self.huggingface.refusal(request, path):
            return answered
        if self.find(path) is not None:
            return None
        return web.Response(status=404) if "github.com" in path else self.huggingface.no_repository(request)

    def redirect(self, request: web.Request, path: str) -> web.Response | None:
        """Return the answer for the previous path of a repository."""
        if (moved := self.moved.get(path) or self.huggingface.generated.renamed(path)) is None:
            return None
        return web.Response(status=307, headers={"Location": request.path_qs.replace(path, moved, 1)})

    async def _object(self, request: web.Request) -> web.StreamResponse:
        body = self.large(request.match_info["oid"])
        return web.Response(status=404) if body is None else lfs.content(request, body)

    def large(self, oid: str) -> bytes | None:
        """Return a large file."""
        return self.objects.get(oid)

    async def _add_fault(self, request: web.Request) -> web.StreamResponse:
        try:
            self.faults.append(Fault(**await request.json()))
        except (TypeError, ValueError) as wrong:
            return web.Response(status=400, text=f"{wrong}\n")
        return web.Response(status=204)

    async def _clear_faults(self, _: web.Request) -> web.StreamResponse:
        self.faults.clear()
        return web.Response(status=204)


def _conditional(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Return an answer with its ETag; without a body if the client has it (RFC 9110, section 13.1.2)."""
    if not isinstance(response, web.Response) or response.status != 200 or not isinstance(response.body, bytes):
        return response
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


async def _robots(_: web.Request) -> web.StreamResponse:
    return web.Response(text="User-agent: *\nAllow: /\n")


async def _in_pieces(request: web.Request, whole: web.StreamResponse, asked: Asked) -> web.StreamResponse:
    """Return a large answer, and count the bytes that are actually sent."""
    assert isinstance(whole, web.Response)
    assert isinstance(whole.body, bytes)
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(whole.body)
    asked.sent = 0
    await response.prepare(request)
    with suppress(ConnectionError):
        for start in range(0, len(whole.body), _PIECE):
            piece = whole.body[start : start + _PIECE]
            asked.sent += len(piece)
            await response.write(piece)
    return response


async def _cut(request: web.Request, whole: web.StreamResponse, after: int, *, stall: bool) -> web.StreamResponse:
    """Return the beginning of an answer, and then close the connection or keep it open."""
    assert isinstance(whole, web.Response)
    assert isinstance(whole.body, bytes)
    headers = {name: value for name, value in whole.headers.items() if name != "Content-Length"}
    response = web.StreamResponse(status=whole.status, headers=headers)
    response.content_length = len(whole.body)
    await response.prepare(request)
    await response.write(whole.body[:after])
    if stall:
        await asyncio.Event().wait()
    assert request.transport is not None
    request.transport.close()
    return response
