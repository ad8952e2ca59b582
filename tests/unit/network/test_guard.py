"""The proxy that git uses."""

import base64
import gc
import http.client
import http.server
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, origins
from ptmtorrent_scrapy.network.connections import Network, Unreachable
from ptmtorrent_scrapy.network.guard import Guard
from ptmtorrent_scrapy.network.http import Client
from tests.conftest import serve


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Yield a server on loopback, and the requests that it got."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(
                f"{self.command} {self.path} {body.decode()} {self.headers.get('Proxy-Authorization')}".strip()
            )
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        do_POST = do_GET  # noqa: N815 - as http.server wants it

        def log_message(self, *_: Any) -> None:
            pass

    with serve(Handler) as url:
        yield url, asked


def ask(guard: Guard, url: str, *, body: str | None = None, key: str | None = None) -> tuple[int, bytes]:
    """Return status and body of an answer through the proxy."""
    proxy = urlsplit(guard.url)
    client = http.client.HTTPConnection("127.0.0.1", proxy.port or 0, timeout=20)
    client.request("POST" if body else "GET", url, body=body, headers={"Proxy-Authorization": login(guard, key)})
    answer = client.getresponse()
    found = answer.status, answer.read()
    client.close()
    return found


def login(guard: Guard, key: str | None) -> str:
    given = key or urlsplit(guard.url).password
    return "Basic " + base64.b64encode(f"guard:{given}".encode()).decode()


def test_a_server_that_is_trusted(server: tuple[str, list[str]]) -> None:
    url, asked = server
    guard = Guard(Network(policy=AddressPolicy(trusted=origins([url]))))
    assert ask(guard, f"{url}/a?b=1") == (200, b"hello")
    assert ask(guard, f"{url}/c", body="given") == (200, b"hello")
    assert asked == ["GET /a?b=1  None", "POST /c given None"]
    assert guard.failure is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_server_on_this_machine_is_refused(server: tuple[str, list[str]], host: str) -> None:
    url, asked = server
    guard = Guard(Network())
    assert ask(guard, f"http://{host}:{urlsplit(url).port}/secret")[0] == 502
    assert isinstance(guard.failure, AddressRefused)
    assert asked == []


def test_a_tunnel(server: tuple[str, list[str]]) -> None:
    url, asked = server
    port = urlsplit(url).port
    for guard, expected in (
        (Guard(Network(policy=AddressPolicy(trusted=origins([url])))), 200),
        (Guard(Network()), 502),
    ):
        client = http.client.HTTPConnection("127.0.0.1", urlsplit(guard.url).port or 0, timeout=20)
        client.set_tunnel("127.0.0.1", port, headers={"Proxy-Authorization": login(guard, None)})
        if expected == 200:
            client.request("GET", "/through")
            assert client.getresponse().read() == b"hello"
        else:
            with pytest.raises(OSError, match="502"):
                client.connect()
        client.close()
    assert asked == ["GET /through  None"]


def test_requests_without_the_key_are_refused(server: tuple[str, list[str]]) -> None:
    url, asked = server
    guard = Guard(Network(policy=AddressPolicy(trusted=origins([url]))))
    assert ask(guard, url, key="guessed")[0] == 407
    assert asked == []


def test_a_server_that_does_not_answer() -> None:
    guard = Guard(Network(policy=AddressPolicy(trusted=origins(["http://127.0.0.1:1"]))))
    assert ask(guard, "http://127.0.0.1:1/")[0] == 502
    assert isinstance(guard.failure, Unreachable)
    assert str(guard.failure) == "cannot connect to 127.0.0.1:1: Connection refused"


def test_the_proxy_of_the_user(server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, asked = server
    users = Guard(Network(policy=AddressPolicy(trusted=origins([url]))))
    guard = Guard(Network(policy=AddressPolicy(trusted=origins([url])), configuration={"http.proxy": users.url}))
    assert ask(guard, f"{url}/a") == (200, b"hello")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    other = Guard(Network(policy=AddressPolicy(trusted=origins([url]))))
    assert ask(other, f"{url}/c")[0] == 502
    assert "the proxy http://127.0.0.1:1 does not answer" in str(other.failure)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ask(other, f"{url}/d") == (200, b"hello")
    assert asked == ["GET /a  None", "GET /d  None"]


def test_a_proxy_leads_to_no_private_address_either(server: tuple[str, list[str]]) -> None:
    url, asked = server
    users = Guard(Network(policy=AddressPolicy(trusted=origins([url]))))
    guard = Guard(Network(configuration={"http.proxy": users.url}))
    assert ask(guard, f"{url}/a")[0] == 502
    assert isinstance(guard.failure, AddressRefused)
    assert asked == []


def test_a_connection_that_ends_after_its_client_is_closed(server: tuple[str, list[str]]) -> None:
    url, asked = server
    client = Client(network=Network(policy=AddressPolicy(trusted=origins([url]))), protocols=("http",))
    with client.request("GET", url, headers={}) as response:
        assert response.read() == b"hello"
        client.close()
    del client, response
    gc.collect()  # an open socket would be a warning, which is an error here
    assert len(asked) == 1
