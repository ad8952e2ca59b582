"""No server can make git fill the memory."""

import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.errors import Refused

_REFERENCES = b"".join(
    b"%04x%s" % (len(line) + 4, line) for line in (b"%040d refs/heads/%0200d\n" % (1, number) for number in range(4000))
)


@pytest.fixture
def endless() -> Iterator[str]:
    """Yield the URL of a repository whose references have no end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(b"001e# service=git-upload-pack\n0000")
                while True:
                    self.wfile.write(_REFERENCES)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/o/m"
        server.shutdown()
        thread.join()


def test_references_without_end(endless: str) -> None:
    command = Command(scope="", environment=environment(timeout=60, protocols=("http",)), timeout=60, memory=100 << 20)
    with pytest.raises(Refused, match=r"git takes more than 104857600 bytes of memory"):
        command.run("git", "ls-remote", "--", endless)
