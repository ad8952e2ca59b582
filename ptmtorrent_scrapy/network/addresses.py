"""Allowed addresses: public ones, and those of servers that the user's own settings name.

A hub chooses URLs, redirects and the answers of its name servers. None of them may lead to this machine or to a private
network (server-side request forgery), so the address of the connection itself is checked.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

Origin = tuple[str, int]  # host and port
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_UNICAST = ipaddress.ip_network("2000::/3")  # all public IPv6 addresses, as IANA has assigned them
_NOT_PUBLIC = tuple(  # that some versions of Python do not know: protocol assignments, 6to4 relays, documentation
    ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")
)


class AddressRefused(Exception):
    """The server has an address that must not be used; the message is one line for the user."""


@dataclass(frozen=True, kw_only=True)
class AddressPolicy:
    """The addresses that may be used."""

    trusted: frozenset[Origin] = frozenset()  # may have any address

    def check(self, host: str, port: int, address: str) -> None:
        """Raise `AddressRefused` unless an address of a server may be used."""
        if not is_public(address) and (host.lower(), port) not in self.trusted:
            named = f"{host}:{port}" + (f" ({address})" if address != host else "")
            raise AddressRefused(
                f"{named} is on this machine or a private network; only servers that your settings name may be there"
            )


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet.

    >>> [is_public(each) for each in ("8.8.8.8", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1")]
    [True, False, False, False, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found not in _UNICAST:
            return False
    return found.is_global and not found.is_multicast and not any(found in each for each in _NOT_PUBLIC)


def origin(url: str) -> Origin | None:
    """Return host and port of an http or https URL; None for anything else.

    >>> origin("https://Example.org/x"), origin("http://127.0.0.1:8080"), origin("ftp://example.org"), origin("1d")
    (('example.org', 443), ('127.0.0.1', 8080), None, None)
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname, _PORTS[parts.scheme] if port is None else port


def origins(urls: Iterable[str]) -> frozenset[Origin]:
    """Return the origins of those URLs that are http or https."""
    return frozenset(found for found in map(origin, urls) if found)
