"""A server that only sends bytes: the pages of a listing, made before the first request.

`python -m benchmarks.pages MODELS [FILE]`: FILE has one recorded object per line; without it the objects are generated.
"""

import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import orjson

from tests.hubs.models import Models

_PAGE = 1000  # models


class ListedModels(Models):
    """Models without repositories, which are generated quickly."""

    def head(self, index: int) -> str:
        return f"{index:040x}"


def objects(count: int, recorded: Path | None) -> Iterator[dict[str, Any]]:
    """Yield a number of models: recorded ones, repeated with other ids, or generated ones."""
    if recorded is None:
        yield from map(ListedModels(count, seed=1, troubles=False).model, range(count))
        return
    lines = recorded.read_bytes().splitlines()
    for number, line in enumerate(islice(cycle(lines), count)):
        model, again = orjson.loads(line), number // len(lines)
        name = model.get("id") or model["modelId"]
        yield {**model, "_id": f"{number:024x}", "id": f"{name}-{again}" if again else name}


class _Server(ThreadingTCPServer):
    request_queue_size = 64
    daemon_threads = True

    def __init__(self, bodies: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers = [self._answer(body, number < len(bodies), number) for number, body in enumerate(bodies, 1)]

    def _answer(self, body: bytes, has_next: bool, number: int) -> bytes:
        link = f'Link: <{self.url}/api/models?cursor={number}>; rel="next"\r\n' if has_next else ""
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{link}\r\n".encode() + body


class _Handler(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            _, _, number = line.split()[1].partition(b"cursor=")
            self.wfile.write(self.server.answers[int(number or 0)])


def main(count: str, recorded: str | None = None) -> None:
    """Serve the pages until the process is ended."""
    models = objects(int(count), Path(recorded) if recorded else None)
    pages = iter(lambda: list(islice(models, _PAGE)), [])
    with _Server(list(map(orjson.dumps, pages))) as server:
        print(f"HUGGINGFACE_URL={server.url}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
