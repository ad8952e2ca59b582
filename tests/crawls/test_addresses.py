"""Where the requests of a crawl go: to no address of this machine that no setting names."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.conftest import Start
from tests.hubs import Hubs


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Yield another server on loopback, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_listing_that_is_redirected_to_this_machine(
    hubs: Hubs, crawl: Start, elsewhere: tuple[str, list[str]]
) -> None:
    url, asked = elsewhere
    hubs.faults.add("^/api/models", status=302, headers={"Location": f"{url}/latest/meta-data"})
    ended = crawl("huggingface", fraction=0)
    assert ended.status == 1
    assert any("is on this machine or a private network" in error for error in ended.errors)
    assert asked == []


def test_a_listing_that_is_redirected_to_another_host_of_the_hub(hubs: Hubs, crawl: Start) -> None:
    other = hubs.url.replace("127.0.0.1", "localhost")
    hubs.faults.add("^/api/models", status=307, headers={"Location": f"{other}/api/models?limit=1000"}, times=1)
    ended = crawl("huggingface", fraction=0, HUGGINGFACE_TOKEN="hf_secret", MODELZOO_URL=other)
    assert (ended.status, len(ended.records)) == (0, 60)
    there = other.removeprefix("http://")
    assert ended.log.count(f"{hubs.url} redirects to {there}, which does not get the token") == 1
    first, second = hubs.asked("^/api/models")
    assert first.headers["Authorization"] == "Bearer hf_secret"
    assert "Authorization" not in second.headers
