"""The server on loopback for programs that this process starts."""

import threading
from http.server import BaseHTTPRequestHandler
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from ptmtorrent_scrapy.network.local_server import LocalServer


class Handler(BaseHTTPRequestHandler):
    """Answers with the path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        pass


class Session:
    """The value of a key."""


def test_a_server_that_is_closed_and_started_again() -> None:
    server: LocalServer[Session] = LocalServer(Handler)
    before = set(threading.enumerate())  # servers of other tests are among them
    for _ in range(2):
        session = Session()
        key, port = server.add(session)
        assert server.find(key) is session
        with urlopen(f"http://127.0.0.1:{port}/{key}") as answer:
            assert answer.read().decode() == f"/{key}"
        server.close()
        server.close()
        assert not [each for each in threading.enumerate() if each.name == "local-server" and each not in before]
        with pytest.raises(URLError):
            urlopen(f"http://127.0.0.1:{port}/")
