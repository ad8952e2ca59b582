"""Local gateway that git-lfs uses instead of the LFS server of a repository; it connects to nothing else.

git-lfs follows links and redirects of a server to this machine, past any proxy, and repeats hopeless requests. So
the gateway forwards its requests: only to checked addresses, permanent failures once, slow transfers with a limit. Why
an object failed is known from the answers, not from the messages of git-lfs.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import atexit
import http
import re
from collections.abc import Iterable, Mapping
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson

from ptmtorrent_scrapy.git.errors import GitError, Missing, TooSlow, Transient, Unavailable
from ptmtorrent_scrapy.git.lfs import answers
from ptmtorrent_scrapy.git.lfs.answers import Answered, Download
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.rate import LeastRate
from ptmtorrent_scrapy.git.lfs.server import LfsServer, network_errors
from ptmtorrent_scrapy.network.http import Client
from ptmtorrent_scrapy.network.local_server import LocalServer

_TYPE = "application/vnd.git-lfs+json"
_ASKED_BYTES = 1 << 24  # of a request of git-lfs
_PIECE = 1 << 18  # bytes
_PATH = re.compile(r"/([\w-]+)/(?:objects/batch|([0-9a-f]{64}))")


class Gateway:
    """Gateway for the objects of one LFS server; it works until it is closed."""

    def __init__(self, server: LfsServer) -> None:
        self.received = 0  # bytes of objects
        self._server = server
        self._client = Client(network=server.network, protocols=server.protocols, token=server.token)
        self._downloads: dict[str, Download] = {}
        self._sizes: dict[str, int] = {}
        self._failures: dict[str, GitError] = {}
        self._everything: GitError | None = None  # why no object is available
        self._key, self._port = _local.add(self)

    @property
    def url(self) -> str:
        """Return the URL for git-lfs."""
        return f"http://127.0.0.1:{self._port}/{self._key}"

    def failure(self, missing: Iterable[Pointer]) -> GitError | None:
        """Return why objects are missing, temporary reasons first; None if no answer of the server explains it."""
        found = (self._everything, *(self._failures.get(pointer.oid) for pointer in missing))
        errors = [error for error in found if error is not None]
        return min(errors, key=_rank, default=None)

    def may_try_again(self, pointer: Pointer) -> bool:
        """Return whether another attempt now may succeed for an object."""
        error = self._everything or self._failures.get(pointer.oid)
        return error is None or (isinstance(error, Transient) and not isinstance(error, (Unavailable, TooSlow)))

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def batch(self, objects: list[Pointer]) -> list[dict[str, Any]]:
        """Return the answer to git-lfs about objects; the server is asked for those without a permanent failure."""
        self._sizes |= {pointer.oid: pointer.size for pointer in objects}
        possible = [pointer for pointer in objects if self.may_try_again(pointer)]
        if possible:
            try:
                self._take(possible, self._ask(possible))
            except GitError as error:
                self._everything = error
        return [self._entry(pointer) for pointer in objects]

    def _ask(self, pointers: list[Pointer]) -> dict[str, Answered]:
        """Return the server's answers about objects, by their ids. Raise `GitError`."""
        self._everything = None
        objects = [{"oid": pointer.oid, "size": pointer.size} for pointer in pointers]
        body = {"operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects}
        headers = {"Accept": _TYPE, "Content-Type": _TYPE, "User-Agent": self._server.user_agent}
        url = f"{self._server.url}/objects/batch"
        with network_errors(), self._client.request("POST", url, body=orjson.dumps(body), headers=headers) as response:
            if response.status != http.HTTPStatus.OK:
                raise self._refused(response)
            return answers.batch(self._read(response, answers.BATCH_BYTES), url)

    def _take(self, pointers: list[Pointer], answered: Mapping[str, Answered]) -> None:
        for pointer in pointers:
            found = answered.get(pointer.oid, Missing("their server does not have them"))
            if isinstance(found, GitError):
                self._failures[pointer.oid] = found
            else:
                self._failures.pop(pointer.oid, None)
                self._downloads[pointer.oid] = found

    def _entry(self, pointer: Pointer) -> dict[str, Any]:
        """Return the entry of an object for git-lfs; a failed one is `missing`, so git-lfs does not repeat it."""
        entry: dict[str, Any] = {"oid": pointer.oid, "size": pointer.size}
        if self._everything or pointer.oid in self._failures:
            return {**entry, "error": {"code": 404, "message": "not available"}}
        return {**entry, "authenticated": True, "actions": {"download": {"href": f"{self.url}/{pointer.oid}"}}}

    def send(self, oid: str, handler: "_Handler") -> None:
        """Answer a request of git-lfs for an object or the rest of it."""
        try:
            if not self.may_try_again(Pointer(oid, 0)):
                raise self._everything or self._failures[oid]
            with network_errors():
                self._forward(oid, handler)
            self._failures.pop(oid, None)
        except GitError as error:
            self._failures[oid] = error
            if isinstance(error, (Unavailable, TooSlow)):  # the other objects need not wait for the same
                self._everything = error
            if handler.has_started:  # cut it, so that git-lfs does not consider it complete
                handler.close_connection = True
            else:
                handler.send_error(404)

    def _forward(self, oid: str, handler: "_Handler") -> None:
        found = self._downloads.get(oid)
        if found is None:
            raise Missing("their server does not have them")
        headers = {**found.headers, "User-Agent": self._server.user_agent, "Accept-Encoding": "identity"}
        if "Range" in handler.headers:
            headers["Range"] = handler.headers["Range"]
        with self._client.request("GET", found.url, headers=headers) as response:
            if response.status not in (200, 206, 416):
                raise self._refused(response)
            length = self._announce(oid, response, handler)
            if response.status != 416:
                self._copy(response, handler, length)

    def _refused(self, response: HTTPResponse) -> GitError:
        message = self._read(response, answers.MESSAGE_BYTES)
        return answers.failure(response.status, response.headers, message)

    def _read(self, response: HTTPResponse, most: int) -> bytes:
        """Return the first `most` bytes of an answer. Raise `TooSlow`."""
        rate = LeastRate(self._server.min_rate, self._server.timeout)
        content = bytearray()
        while len(content) < most and (piece := response.read1(min(_PIECE, most - len(content)))):
            content += piece
            rate.count(len(piece))
        return bytes(content)

    def _announce(self, oid: str, response: HTTPResponse, handler: "_Handler") -> int:
        """Send status and headers; return the number of bytes that follow. Raise `GitError` if it is wrong."""
        total = answers.total(response)
        if response.status != 416 and total is not None and total != self._sizes[oid]:
            raise GitError(f"their server has {total} bytes of an object of {self._sizes[oid]}")
        handler.send_response_only(response.status)
        length = 0 if response.status == 416 else response.length
        if length is None:  # chunked, or until the connection ends: not more than the object's size
            length = self._sizes[oid]
        for name, value in (("Content-Length", str(length)), ("Content-Range", response.headers.get("Content-Range"))):
            if value:
                handler.send_header(name, value)
        handler.end_headers()
        handler.has_started = True
        return length

    def _copy(self, response: HTTPResponse, handler: BaseHTTPRequestHandler, length: int) -> None:
        """Forward the bytes of an object. Raise `Transient` if they end too early or arrive too slowly."""
        rate = LeastRate(self._server.min_rate, self._server.timeout)
        while length:
            try:
                piece = response.read1(min(_PIECE, length))
            except TimeoutError:
                raise TooSlow(f"their server sent nothing for {rate.seconds:g} seconds") from None
            if not piece:
                raise Transient("their server ended the connection before the end of an object")
            handler.wfile.write(piece)
            self.received += len(piece)
            length -= len(piece)
            rate.count(len(piece))


def _rank(error: GitError) -> int:
    """Return the rank of a reason: pauses first, then temporary ones, then permanent ones."""
    return 0 if isinstance(error, Unavailable) else 1 if isinstance(error, Transient) else 2


class _Handler(BaseHTTPRequestHandler):
    """One request of git-lfs."""

    protocol_version = "HTTP/1.1"
    has_started = False  # to send an object

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        gateway, _ = self._gateway()
        if gateway is None or length > _ASKED_BYTES:
            self.close_connection = True
            self.send_error(404)
            return
        objects = [Pointer(each["oid"], each["size"]) for each in orjson.loads(self.rfile.read(length))["objects"]]
        body = orjson.dumps({"transfer": "basic", "objects": gateway.batch(objects), "hash_algo": "sha256"})
        self.send_response_only(200)
        self.send_header("Content-Type", _TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        gateway, oid = self._gateway()
        if gateway is None or not oid:
            self.send_error(404)
        else:
            self.has_started = False
            gateway.send(oid, self)

    def _gateway(self) -> tuple[Gateway | None, str | None]:
        """Return the gateway of this request, and the requested object."""
        found = _PATH.fullmatch(self.path)
        return (_local.find(found[1]), found[2]) if found else (None, None)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        """Log nothing: the gateway keeps failures."""


_local: LocalServer[Gateway] = LocalServer(_Handler)
close = _local.close  # the server of this process; the next `Gateway` starts a new one
atexit.register(close)
