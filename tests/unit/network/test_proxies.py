"""Proxies of the user: those that can be used, and the protocol of SOCKS 5."""

import socket
from collections.abc import Callable

import pytest

from ptmtorrent_scrapy.network import socks
from ptmtorrent_scrapy.network.proxies import Proxy, ProxyUnusable, check_environment

PAGES = ["https://hub.example/api"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        ({"https_proxy": "http://proxy.example:3128", "all_proxy": "socks5h://proxy.example"}, None),
        ({"https_proxy": "proxy.example:3128"}, None),
        ({"http_proxy": "socks5h://me:secret@proxy.example"}, None),  # no page comes by http://
        (
            {"https_proxy": "socks5://me:secret@proxy.example"},
            "https_proxy names a SOCKS proxy, which cannot be used for pages of hub",
        ),
        ({"https_proxy": "socks5://proxy.example", "no_proxy": "hub.example"}, None),
        ({"https_proxy": "ftp://proxy.example"}, "a proxy with ftp:// cannot be used; http://, https://, socks5://"),
        ({"all_proxy": "http://proxy.example:port"}, "the URL of the proxy cannot be read"),
    ],
)
def test_proxies_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wrong: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if wrong is None:
        check_environment(PAGES)
        return
    with pytest.raises(ProxyUnusable, match=wrong) as raised:
        check_environment(PAGES)
    assert "secret" not in str(raised.value)


@pytest.fixture
def asked() -> Callable[[bytes], tuple[bytes, str | None]]:
    """Connect through a SOCKS proxy with an answer; return the bytes that it received, and the error."""

    def of(answer: bytes) -> tuple[bytes, str | None]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(10)
            theirs.sendall(answer)
            theirs.shutdown(socket.SHUT_WR)
            error = None
            try:
                socks.connect(ours, "hub.example", 443, user="me", password="secret")
            except socks.SocksFailed as failure:
                error = str(failure)
            ours.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: theirs.recv(4096), b"")), error

    return of


def test_a_socks_proxy(asked: Callable[[bytes], tuple[bytes, str | None]]) -> None:
    sent, error = asked(b"\x05\x02\x01\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
    assert error is None
    assert sent == b"\x05\x02\x00\x02\x01\x02me\x06secret\x05\x01\x00\x03\x0bhub.example\x01\xbb"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "it closed the connection"),
        (b"HTTP/1.1 400 Bad Request", "it wants another login"),
        (b"\x05\xff", "it wants another login"),
        (b"\x05\x02\x01\x01", "it does not accept the user and password"),
        (b"\x05\x00\x05\x02\x00\x01", "it answers with status 2"),
    ],
)
def test_a_socks_proxy_that_refuses(
    asked: Callable[[bytes], tuple[bytes, str | None]], answer: bytes, error: str
) -> None:
    assert asked(answer)[1] == error


def test_a_proxy_with_a_password() -> None:
    proxy = Proxy.parse("socks5h://me:se%3Acret@proxy.example")
    assert (proxy.port, proxy.password, str(proxy)) == (1080, "se:cret", "the proxy socks5h://proxy.example:1080")
