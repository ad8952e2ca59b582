"""Messages for pages that could not be fetched."""

import pytest
from OpenSSL import SSL
from scrapy import Request
from scrapy.core.downloader.handlers.http11 import TunnelError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from ptmtorrent_scrapy.downloadhandlers.errors import explain

HUB = "https://hub.example:8443/api/models"
PROXY = {"proxy": "http://user:secret@proxy.example:3128"}


def failed(reason: Exception) -> DownloadFailedError:
    error = DownloadFailedError(repr(reason))
    error.__cause__ = ResponseFailed([Failure(reason)])
    return error


def tls(reason: str) -> SSL.Error:
    return SSL.Error([("SSL routines", "", reason)])


@pytest.mark.parametrize(
    ("error", "meta", "words"),
    [
        (DownloadConnectionRefusedError(), {}, ("hub.example:8443", "refuses", "HUGGINGFACE_URL")),
        (DownloadConnectionRefusedError(), PROXY, ("the proxy proxy.example:3128", "refuses", "https_proxy")),
        (CannotResolveHostError(), {}, ("hub.example:8443", "cannot be resolved", "HUGGINGFACE_URL")),
        (CannotResolveHostError(), PROXY, ("the proxy proxy.example:3128", "cannot be resolved", "http_proxy")),
        (TunnelError("407"), PROXY, ("the proxy proxy.example:3128", "hub.example:8443", "407")),
        (DownloadTimeoutError(), {"download_timeout": 180.0}, ("hub.example:8443", "180 seconds")),
        (ResponseDataLossError(), {}, ("hub.example:8443", "closed the connection")),
        (failed(ConnectionLost()), {}, ("hub.example:8443", "closed the connection")),
        (failed(tls("certificate verify failed")), {}, ("hub.example:8443", "certificate", "SSL_CERT_FILE")),
        (failed(tls("certificate verify failed")), PROXY, ("hub.example:8443", "certificate", "HUGGINGFACE_URL")),
        (failed(tls("wrong version number")), {}, ("hub.example:8443", "does not speak TLS", "http:")),
        (failed(SSL.Error()), {}, ("hub.example:8443", "no TLS connection", "HUGGINGFACE_URL")),
    ],
)
def test_errors_name_the_host_and_what_to_check(
    error: Exception, meta: dict[str, object], words: tuple[str, ...]
) -> None:
    why = explain(error, Request(HUB, meta=meta), "HUGGINGFACE_URL")
    assert why is not None
    assert [word for word in words if word not in why] == []
    assert "secret" not in why


def test_an_error_that_needs_no_explanation() -> None:
    assert explain(OSError("disk"), Request(HUB), "HUGGINGFACE_URL") is None
