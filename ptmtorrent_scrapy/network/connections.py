"""Connect to servers at checked addresses, through the user's proxy if there is one."""

import contextlib
import functools
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from ptmtorrent_scrapy.network import socks
from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, is_public
from ptmtorrent_scrapy.network.proxies import Proxy, ProxyUnusable, proxy_of

_CONNECT_SECONDS = 30.0  # for the last address of a server
_NEXT_SECONDS = 5.0  # for an address that is not the last one
_ANSWER_BYTES = 1 << 16  # of a proxy to CONNECT


class Unreachable(Exception):
    """The server, or the user's proxy, does not answer; the message is one line for the user."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Connections to servers, directly or through a proxy."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    configuration: Mapping[str, str] = field(default_factory=dict)  # of git, which may name proxies
    idle_seconds: float = 3600.0  # of silence after which a connection ends

    def proxy_of(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the user's proxy for a server. Raise `ProxyUnusable`."""
        return proxy_of(scheme, host, port, self.configuration)

    def connect(self, scheme: str, host: str, port: int, *, tunnel: bool) -> tuple[socket.socket, Proxy | None]:
        """Return a connection to a server, and the proxy if it needs absolute URLs.

        With `tunnel` the connection leads to the server itself, through any proxy.
        Raise `AddressRefused`, `Unreachable`, `ProxyUnusable`.
        """
        proxy = self.proxy_of(scheme, host, port)
        if proxy is None:
            connection = self._connect_checked(host, port)
        else:
            self.check_name(host, port)
            connection = _connect_proxy(proxy)
            if proxy.scheme.startswith("socks"):
                _through(connection, proxy, host, port)
                proxy = None
        connection.settimeout(self.idle_seconds)
        if proxy is not None and tunnel:
            _open_tunnel(connection, proxy, host, port)
            proxy = None
        return connection, proxy

    def _connect_checked(self, host: str, port: int) -> socket.socket:
        """Connect to the first address of a server that answers, without refused addresses."""
        refused: AddressRefused | None = None
        failed: OSError | None = None
        found = _resolve(host, port)
        for left, (family, kind, protocol, _, place) in zip(range(len(found) - 1, -1, -1), found, strict=True):
            try:
                self.policy.check(host, port, str(place[0]))
                return _connect(family, kind, protocol, place, _NEXT_SECONDS if left else _CONNECT_SECONDS)
            except AddressRefused as error:
                refused = error
            except OSError as error:
                failed = error
        if failed is None and refused is not None:
            raise refused
        raise Unreachable(f"cannot connect to {host}:{port}: {_reason(failed)}") from failed

    def check_name(self, host: str, port: int) -> None:
        """Raise `AddressRefused` for a server with a private address, as far as this is known without the proxy."""
        if (host.lower(), port) not in self.policy.trusted:
            for address in _known_addresses(host):
                self.policy.check(host, port, address)


@functools.lru_cache(maxsize=1024)
def _known_addresses(host: str) -> tuple[str, ...]:
    """Return the private addresses of a name; if a proxy is needed, names may be unknown here."""
    with contextlib.suppress(ValueError):
        return (str(ipaddress.ip_address(host)),)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(str(place[0]) for *_, place in found if not is_public(str(place[0])))


def _resolve(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str | int, ...]]]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # type: ignore[return-value]  # IP addresses alone
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"could not resolve host: {host}") from error


def _connect(family: int, kind: int, protocol: int, place: tuple[str | int, ...], seconds: float) -> socket.socket:
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(seconds)
        connection.connect(place)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_proxy(proxy: Proxy) -> socket.socket:
    """Connect to the user's own proxy, wherever it is."""
    try:
        connection = socket.create_connection((proxy.host, proxy.port), timeout=_CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy.scheme == "https":
            return ssl.create_default_context().wrap_socket(connection, server_hostname=proxy.host)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{proxy} does not answer: {_reason(error)}; check http_proxy, https_proxy") from error
    return connection


def _through(connection: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Let a SOCKS proxy connect to the server."""
    try:
        socks.connect(connection, host, port, user=proxy.user, password=proxy.password)
    except (OSError, socks.SocksFailed) as error:
        connection.close()
        raise Unreachable(f"{proxy} cannot connect to {host}:{port}: {_reason(error)}") from error


def _open_tunnel(connection: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask an HTTP proxy for a connection to the server (RFC 9110, 9.3.6)."""
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    request = f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n"
    if proxy.authorization:
        request += f"Proxy-Authorization: {proxy.authorization}\r\n"
    try:
        connection.sendall(f"{request}\r\n".encode("ascii"))
        answer = b""
        while not answer.endswith(b"\r\n\r\n") and len(answer) < _ANSWER_BYTES:
            piece = connection.recv(1)  # must not read what the server sends next
            if not piece:
                break
            answer += piece
    except (OSError, UnicodeError) as error:
        connection.close()
        raise Unreachable(f"{proxy} does not answer: {_reason(error)}") from error
    status = answer.split(b" ", 2)[1:2]
    if status != [b"200"]:
        connection.close()
        code = status[0][:3].decode("ascii", "replace") if status else "nothing"
        if code == "407":
            raise ProxyUnusable(f"{proxy} does not accept the user and password")
        raise Unreachable(f"{proxy} answers {code} when asked for {host}:{port}")


def _reason(error: BaseException | None) -> str:
    """Return the message of an error without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
