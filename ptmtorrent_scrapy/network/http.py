"""Send HTTP requests to servers that a hub names: checked addresses, few redirects, reused connections."""

import base64
import contextlib
import functools
import http
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from ptmtorrent_scrapy.network.addresses import origin
from ptmtorrent_scrapy.network.connections import Network, Unreachable
from ptmtorrent_scrapy.network.proxies import http_setting

_REQUESTS = 8  # for one answer: redirects and a login
_REDIRECTED = (301, 302, 303, 307, 308)
_SECRET = {"authorization", "cookie"}
_DRAINED = 1 << 16  # bytes of an unread answer that are discarded to keep a connection

Key = tuple[str, str, int]


class RequestFailed(Exception):
    """A request has no usable answer; the message is one line for the user."""


@dataclass(kw_only=True)
class Client:
    """Sends requests for one program, from any number of threads."""

    network: Network
    protocols: tuple[str, ...] = ("https",)
    token: tuple[str, str] | None = field(default=None, repr=False)  # base URL and token, sent only to that server
    _idle: dict[Key, list[http.client.HTTPConnection]] = field(default_factory=dict)
    _busy: set[http.client.HTTPConnection] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: bool = False

    @contextlib.contextmanager
    def request(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """Yield the answer to a request, after redirects and a login; its body is read by the caller.

        Raise `AddressRefused`, `Unreachable`, `ProxyUnusable`, `RequestFailed`.
        """
        given = dict(headers)
        for _ in range(_REQUESTS):
            with self._send(method, url, body, given) as response:
                target = response.headers.get("Location")
                login = self._login(url, given) if response.status == http.HTTPStatus.UNAUTHORIZED else None
                if login is None and (response.status not in _REDIRECTED or not target):
                    yield response
                    return
            if login is not None:
                given = login
                continue
            before, url = url, urljoin(url, target or "")
            if origin(before) != origin(url):
                given = {name: value for name, value in given.items() if name.lower() not in _SECRET}
        raise RequestFailed("their server redirects in a loop")

    def _login(self, url: str, headers: Mapping[str, str]) -> dict[str, str] | None:
        """Return the headers with the token; None for a server other than the token's, and after one attempt."""
        if self.token is None or _server(self.token[0]) != _server(url) or _has_secret(headers):
            return None
        login = base64.b64encode(f"token:{self.token[1]}".encode()).decode()
        return {**headers, "Authorization": f"Basic {login}"}

    @contextlib.contextmanager
    def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        place = origin(url)
        scheme = urlsplit(url).scheme
        if place is None or scheme not in self.protocols or not url.isascii() or not url.isprintable() or " " in url:
            raise RequestFailed(f"their server leads to {url[:100]!r}; only {' and '.join(self.protocols)} is allowed")
        key = (scheme, *place)
        connection, response = self._exchange(key, method, url, body, headers)
        kept = False
        try:
            yield response
            kept = self._keep(key, connection, response)
        finally:
            self._busy.discard(connection)
            if not kept:
                response.close()
                connection.close()

    def _keep(self, key: Key, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> bool:
        """Keep a connection for the next request, if the answer was read to its end, or nearly so."""
        if not response.isclosed() and response.length is not None and response.length <= _DRAINED:
            response.read()
        if not response.isclosed() or connection.sock is None:
            return False
        with self._lock:
            if not self._is_closed:  # because the program that asked ended while the last bytes were forwarded
                self._idle.setdefault(key, []).append(connection)
            return not self._is_closed

    def _exchange(
        self, key: Key, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send a request on a reused connection, or on a new one if the server has closed that."""
        while True:
            used = self._take(key)
            connection = used or _Connection(self.network, key)
            self._busy.add(connection)
            try:
                with _ended_after(self.network.idle_seconds, connection):
                    target = _target(connection, url)
                    connection.request(method, target, body=body, headers=_headers(connection, headers))
                    return connection, connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self._busy.discard(connection)
                connection.close()
                if used is None:
                    raise Unreachable(f"{key[1]} does not answer as HTTP requires: {_reason(error)}") from error
            except BaseException:
                self._busy.discard(connection)
                connection.close()
                raise

    def _take(self, key: Key) -> http.client.HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(key)
            return idle.pop() if idle else None

    def close(self) -> None:
        """Close the connections; running requests fail."""
        with self._lock:
            self._is_closed = True
            for connection in tuple(self._busy):
                _end(connection)
            for connection in (each for idle in self._idle.values() for each in idle):
                connection.close()
            self._idle.clear()


class _Connection(http.client.HTTPConnection):
    """A connection by a `Network`, with TLS for https."""

    def __init__(self, network: Network, key: Key) -> None:
        self._scheme, host, port = key
        super().__init__(host, port)
        self._network = network
        self.proxy_authorization: str | None = None  # of a proxy that needs absolute URLs
        self.is_proxied = False

    def connect(self) -> None:
        found, proxy = self._network.connect(self._scheme, self.host, self.port, tunnel=self._scheme == "https")
        self.sock = found
        self.is_proxied = proxy is not None
        self.proxy_authorization = proxy.authorization if proxy else None
        if self._scheme == "https":
            context = _tls(*_tls_settings(self._network.configuration, f"https://{self.host}:{self.port}/"))
            self.sock = context.wrap_socket(found, server_hostname=self.host)


@contextlib.contextmanager
def _ended_after(seconds: float, connection: http.client.HTTPConnection) -> Iterator[None]:
    """End a connection if the beginning of an answer takes longer, even if bytes keep arriving."""
    timer = threading.Timer(seconds, _end, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _server(url: str) -> tuple[str, object]:
    return urlsplit(url).scheme, origin(url)


def _has_secret(headers: Mapping[str, str]) -> bool:
    return any(name.lower() in _SECRET for name in headers)


def _target(connection: http.client.HTTPConnection, url: str) -> str:
    if isinstance(connection, _Connection) and connection.sock is None:
        connection.connect()
    if isinstance(connection, _Connection) and connection.is_proxied:
        return url
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _headers(connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> dict[str, str]:
    if isinstance(connection, _Connection) and connection.proxy_authorization:
        return {**headers, "Proxy-Authorization": connection.proxy_authorization}
    return dict(headers)


def _tls_settings(configuration: Mapping[str, str], url: str) -> tuple[str | None, ...]:
    names = ("sslCAInfo", "sslCAPath", "sslCert", "sslKey", "sslVerify")
    authorities, *others = (http_setting(configuration, name, url) for name in names)
    return (os.environ.get("GIT_SSL_CAINFO") or authorities, *others)


@functools.lru_cache(maxsize=32)
def _tls(
    authorities: str | None, folder: str | None, cert: str | None, key: str | None, verify: str | None
) -> ssl.SSLContext:
    """Return the TLS context from git's settings of these names."""
    context = ssl.create_default_context(cafile=authorities, capath=folder)
    if cert:
        context.load_cert_chain(cert, key)
    if verify is not None and verify.lower() in ("false", "no", "off", "0"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:200]
