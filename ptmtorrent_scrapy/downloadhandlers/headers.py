"""Limit the headers of answers; Twisted and Scrapy limit only single lines."""

from scrapy.core.downloader.handlers.http11 import (
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.iweb import IResponse

_BYTES = 256 * 2**10  # the limit of browsers; web servers send no more than 8 to 64 KiB
_LINES = 1000


class HeadersTooLarge(Exception):
    """The headers of an answer are too large."""


class BoundedParser(_LenientHTTPClientParser):
    """Scrapy's parser with a limit on headers, including those of 1xx answers."""

    _bytes = 0  # on the class, since Scrapy changes the class of a parser that exists
    _lines = 0

    def lineReceived(self, line: bytes) -> None:
        self._bytes += len(line)
        self._lines += 1
        if self._bytes > _BYTES or self._lines > _LINES:
            raise HeadersTooLarge(f"sends more than {_LINES:,} lines or {_BYTES // 2**10} KiB of headers")
        super().lineReceived(line)


class _Protocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Request) -> Deferred[IResponse]:
        answer = super().request(request)
        assert self._parser is not None
        self._parser.__class__ = BoundedParser
        return answer


class BoundedFactory(_LenientHTTP11ClientFactory):
    """Makes connections that limit the headers of answers."""

    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:
        return _Protocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
