"""Messages for pages that could not be fetched, which name the host and what to check."""

from typing import Any

from OpenSSL import SSL
from scrapy.core.downloader.handlers.http11 import TunnelError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached
from service_identity import VerificationError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.web.client import ResponseFailed
from w3lib.url import add_http_if_no_scheme

from ptmtorrent_scrapy.downloadhandlers.headers import HeadersTooLarge

_NO_TLS = ("wrong version number", "packet length too long", "http request", "record layer failure")


def explain(error: Exception, request: Request, settings: str) -> str | None:
    """Return why a request failed, or None if the error says it; `settings` are those of the hub's URL."""
    hub = urlparse_cached(request).netloc
    proxy = _proxy(request)
    host, look = (f"the proxy {proxy}", "http_proxy, https_proxy and no_proxy") if proxy else (hub, settings)
    match error:
        case DownloadConnectionRefusedError():
            return f"{host} refuses connections; check {look}"
        case CannotResolveHostError():
            return f"the name of {host} cannot be resolved; check {look}, or the network"
        case TunnelError():
            return f"{host} blocks connections to {hub}: {error}; check {look}"
        case DownloadTimeoutError():
            seconds = request.meta.get("download_timeout", 0)
            return f"{host} did not answer within {seconds:g} seconds; check DOWNLOAD_TIMEOUT, or the network"
        case DownloadCancelledError():
            return f"the answer of {hub} is larger than DOWNLOAD_MAXSIZE"
        case ResponseDataLossError():
            return f"{host} closed the connection before its answer was complete"
        case DownloadFailedError():
            return _failed(error, hub, host, settings)
    return None


def _failed(error: Exception, hub: str, host: str, settings: str) -> str | None:
    """Return why an established connection failed."""
    for reason in _reasons(error):
        if isinstance(reason, HeadersTooLarge):
            return f"{hub} {reason}"
        if isinstance(reason, VerificationError):
            return f"the TLS certificate of {hub} is another host's; check {settings}"
        if isinstance(reason, SSL.Error):
            return _of_tls(_words(reason), hub, settings)
    if any(isinstance(reason, ConnectionDone | ConnectionLost) for reason in _reasons(error)):
        return f"{host} closed the connection without a complete answer"
    return None


def _of_tls(words: str, hub: str, settings: str) -> str:
    if "certificate" in words:
        return (
            f"the TLS certificate of {hub} cannot be verified ({words}); name the authority that signed it in "
            f"SSL_CERT_FILE, or check {settings}"
        )
    if any(each in words for each in _NO_TLS):
        return f"{hub} does not speak TLS ({words}); check {settings}: should its URL begin with http:, not https:?"
    return f"no TLS connection to {hub}: {words or 'it ended the handshake'}; check {settings}"


def _reasons(error: Exception) -> list[BaseException]:
    """Return the errors that Twisted has gathered."""
    cause = error.__cause__ or error
    if isinstance(cause, ResponseFailed):
        return [failure.value for failure in cause.reasons]
    return [cause]


def _words(error: SSL.Error) -> str:
    """Return the reasons of OpenSSL's queue of (library, function, reason)."""
    queue: Any = error.args[0] if error.args else ()
    return ", ".join(entry[-1] for entry in queue if isinstance(entry, tuple) and entry)


def _proxy(request: Request) -> str | None:
    proxy = request.meta.get("proxy")
    return add_http_if_no_scheme(proxy).partition("://")[2].rpartition("@")[2].rstrip("/") if proxy else None
