"""The local HTTP proxy that git uses: it makes each connection, to a checked address.

So the check covers redirects and names whose address changes, and git uses its own TLS: `https` is a tunnel
(RFC 9110, 9.3.6). An `http` connection serves one request, since the next one may be for another server.
"""

import atexit
import base64
import contextlib
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from ptmtorrent_scrapy.network.addresses import AddressRefused
from ptmtorrent_scrapy.network.connections import Network, Unreachable
from ptmtorrent_scrapy.network.local_server import LocalServer
from ptmtorrent_scrapy.network.proxies import ProxyUnusable
from ptmtorrent_scrapy.network.relay import relay

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "upgrade"}
_PIECE = 1 << 16  # bytes
_FAILURES = (AddressRefused, Unreachable, ProxyUnusable)


class Guard:
    """The proxy for one program: its network, and why the last connection failed."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.failure: Exception | None = None  # `AddressRefused`, `Unreachable` or `ProxyUnusable`
        self._key, self._port = _server.add(self)

    @property
    def url(self) -> str:
        """Return the URL of the proxy, with its secret key."""
        return f"http://guard:{self._key}@127.0.0.1:{self._port}"

    @property
    def git_settings(self) -> dict[str, str]:
        """Return the settings that let git use the proxy."""
        return {"http.proxy": self.url, "http.proxyAuthMethod": "basic"}

    def connect(self, scheme: str, host: str, port: int, *, tunnel: bool) -> tuple[socket.socket, str | None]:
        """Return a connection, and the authorization of a proxy that needs absolute URLs; keep the error."""
        self.failure = None
        try:
            connection, proxy = self.network.connect(scheme, host, port, tunnel=tunnel)
        except _FAILURES as error:
            self.failure = error
            raise
        return connection, None if proxy is None else proxy.authorization or ""


class _Handler(BaseHTTPRequestHandler):
    """One request of git, or one tunnel."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        if (guard := self._guard()) and host and port.isdecimal():
            with self._connection(guard, "https", host.strip("[]"), int(port), tunnel=True) as found:
                if found:
                    self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    relay(self.connection, found[0], upload=True, idle_seconds=guard.network.idle_seconds)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        guard = self._guard()
        if guard is None or parts.scheme != "http" or not parts.hostname:
            return
        with self._connection(guard, "http", parts.hostname, parts.port or 80, tunnel=False) as found:
            if found:
                server, proxy_authorization = found
                target = self.path if proxy_authorization is not None else self.path.partition(parts.netloc)[2] or "/"
                server.sendall(self._head(target, proxy_authorization))
                self._send_body(server)
                relay(self.connection, server, upload=False, idle_seconds=guard.network.idle_seconds)

    do_POST = do_GET  # noqa: N815 - as http.server wants it

    def _guard(self) -> Guard | None:
        """Return the guard of a connection; a request without its key is refused."""
        self.close_connection = True
        given = self.headers.get("Proxy-Authorization", "")
        with contextlib.suppress(ValueError):
            user, _, key = base64.b64decode(given.removeprefix("Basic "), validate=True).decode().partition(":")
            if user == "guard" and (found := _server.find(key)):
                return found
        self.send_error(407)
        return None

    @contextlib.contextmanager
    def _connection(
        self, guard: Guard, scheme: str, host: str, port: int, *, tunnel: bool
    ) -> Iterator[tuple[socket.socket, str | None] | None]:
        """Yield a connection to a server; None, after an error to git, if it fails."""
        try:
            found = guard.connect(scheme, host, port, tunnel=tunnel)
        except _FAILURES:
            self.send_error(502)
            yield None
            return
        with found[0], contextlib.suppress(OSError):  # a broken connection ends here; git reports it
            yield found

    def _head(self, target: str, proxy_authorization: str | None) -> bytes:
        """Return the head of the request for the server."""
        kept = [f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP]
        if proxy_authorization:
            kept.append(f"Proxy-Authorization: {proxy_authorization}")
        lines = (f"{self.command} {target} HTTP/1.1", *kept, "Connection: close", "", "")
        return "\r\n".join(lines).encode("latin-1")

    def _send_body(self, server: socket.socket) -> None:
        """Send exactly the body of the request, whose length is given or which comes in chunks (RFC 9112, 7.1)."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while True:
                line = self.rfile.readline(_PIECE)
                length = int(line.partition(b";")[0], 16)
                server.sendall(line)
                self._copy(server, length + 2)
                if not length:
                    return
        self._copy(server, int(self.headers.get("Content-Length") or 0))

    def _copy(self, server: socket.socket, length: int) -> None:
        while length:
            piece = self.rfile.read(min(length, _PIECE))
            if not piece:
                raise ConnectionError
            server.sendall(piece)
            length -= len(piece)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        """Log nothing: the guard keeps failures."""


_server: LocalServer[Guard] = LocalServer(_Handler)
close = _server.close  # the proxy of this process; the next `Guard` starts a new one
atexit.register(close)
