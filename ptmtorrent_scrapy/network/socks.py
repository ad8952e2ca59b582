"""SOCKS 5 (RFC 1928, RFC 1929): the proxy connects to a server by its name."""

import ipaddress
import socket
import struct

_NO_LOGIN, _LOGIN = 0, 2


class SocksFailed(Exception):
    """The proxy does not connect to the server."""


def connect(connection: socket.socket, host: str, port: int, *, user: str = "", password: str = "") -> None:
    """Let the proxy at the other end of a connection connect to a server. Raise `SocksFailed`, `OSError`."""
    methods = bytes([_NO_LOGIN, _LOGIN] if user else [_NO_LOGIN])
    connection.sendall(bytes([5, len(methods)]) + methods)
    version, method = _read(connection, 2)
    if version != 5 or method not in methods:
        raise SocksFailed("it wants another login")
    if method == _LOGIN:
        _log_in(connection, user.encode(), password.encode())
    connection.sendall(b"\x05\x01\x00" + _place(host) + struct.pack(">H", port))
    version, status, _, kind = _read(connection, 4)
    if version != 5 or status:
        raise SocksFailed(f"it answers with status {status}")
    length = {1: 4, 4: 16}.get(kind) or _read(connection, 1)[0]
    _read(connection, length + 2)


def _log_in(connection: socket.socket, user: bytes, password: bytes) -> None:
    connection.sendall(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
    if _read(connection, 2)[1]:
        raise SocksFailed("it does not accept the user and password")


def _place(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return b"\x03" + bytes([len(name)]) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed


def _read(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        piece = connection.recv(length - len(found))
        if not piece:
            raise SocksFailed("it closed the connection")
        found += piece
    return found
