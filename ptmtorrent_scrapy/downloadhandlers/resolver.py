"""Resolve names to addresses that Scrapy's requests may use: those that `network.addresses` allows.

Twisted connects only to addresses from this resolver, so the check covers redirects, links and names
whose address changes. A user's proxy is looked up without a port (`reactor.resolve`), or is trusted by its URL.
"""

from typing import Any, Self
from urllib.request import getproxies_environment

from scrapy.crawler import Crawler
from scrapy.resolver import CachingThreadedResolver
from scrapy.settings import BaseSettings
from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped] # publishes no types

from ptmtorrent_scrapy.crawl.options import server_urls
from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, Origin, origin, origins

_refused: dict[Origin, str] = {}  # why requests to a server failed; global, as the resolver is


def policy(settings: BaseSettings) -> AddressPolicy:
    """Return the policy for the addresses of a crawl's requests."""
    return AddressPolicy(trusted=origins((*server_urls(settings), *_proxies())))


def refusal(url: str) -> str | None:
    """Return why no address of a URL's server may be used; None if one may."""
    place = origin(url)
    return _refused.get(place) if place else None


class CheckingResolver(CachingThreadedResolver):
    """Scrapy's resolver without refused addresses."""

    def __init__(self, reactor: ReactorBase, cache_size: int, timeout: float, policy: AddressPolicy) -> None:
        super().__init__(reactor, cache_size, timeout)
        self._policy = policy

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        settings = crawler.settings
        size = settings.getint("DNSCACHE_SIZE") if settings.getbool("DNSCACHE_ENABLED") else 0
        return cls(reactor, size, settings.getfloat("DNS_TIMEOUT"), policy(settings))

    def install_on_reactor(self) -> None:
        super().install_on_reactor()
        reactor: Any = self.reactor
        reactor.installNameResolver(_CheckedNames(reactor.nameResolver, self._policy))


@implementer(IHostnameResolver)
class _CheckedNames:
    def __init__(self, resolver: Any, policy: AddressPolicy) -> None:
        self._resolver = resolver
        self._policy = policy

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        receiver = resolutionReceiver
        if portNumber:
            receiver = _Checked(receiver, hostName, portNumber, self._policy)
        return self._resolver.resolveHostName(receiver, hostName, portNumber, addressTypes, transportSemantics)


@implementer(IResolutionReceiver)
class _Checked:
    """Passes on the allowed addresses."""

    def __init__(self, receiver: Any, host: str, port: int, policy: AddressPolicy) -> None:
        self._receiver = receiver
        self._place = (host, port)
        self._policy = policy

    def resolutionBegan(self, resolution: Any) -> None:
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:
        try:
            self._policy.check(*self._place, address.host)
        except AddressRefused as error:
            _refused[self._place] = str(error)
        else:
            _refused.pop(self._place, None)
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()


def _proxies() -> list[str]:
    found = getproxies_environment()
    return [url if "://" in url else f"http://{url}" for name, url in found.items() if name != "no"]
