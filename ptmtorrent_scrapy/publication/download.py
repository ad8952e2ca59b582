"""Download over HTTP for packages: ranges, public addresses only, and a token only for its own host."""

import contextlib
from collections.abc import Collection, Iterator
from http.client import HTTPException, HTTPResponse

from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, origin, origins
from ptmtorrent_scrapy.network.connections import Network, Unreachable
from ptmtorrent_scrapy.network.http import Client, RequestFailed
from ptmtorrent_scrapy.network.proxies import ProxyUnusable
from ptmtorrent_scrapy.publication.bag import BagError

_FAILURES = (AddressRefused, Unreachable, ProxyUnusable, RequestFailed, HTTPException, OSError)


class Downloader:
    """Opens URLs that a package names."""

    def __init__(
        self, *, agent: str, timeout: float, token: tuple[str, str] | None = None, trusted: Collection[str] = ()
    ) -> None:
        """Prepare it; `token` is (base URL, token), `trusted` are URLs of settings, which may be on this machine."""
        network = Network(policy=AddressPolicy(trusted=origins(trusted)), idle_seconds=timeout)
        self._client = Client(network=network, protocols=("http", "https"))
        self._agent = agent
        self._token = token

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextlib.contextmanager
    def open(self, url: str, *, first: int = 0, last: int | None = None) -> Iterator[HTTPResponse]:
        """Open a URL from byte `first` to byte `last`. Raise `BagError`."""
        headers = {"User-Agent": self._agent, "Accept-Encoding": "identity"}
        is_range = bool(first) or last is not None
        if is_range:
            headers["Range"] = f"bytes={first}-{'' if last is None else last}"
        if self._token and origin(self._token[0]) == origin(url):
            headers["Authorization"] = f"Bearer {self._token[1]}"
        try:
            with self._client.request("GET", url, headers=headers) as answer:
                if answer.status != (206 if is_range else 200):
                    raise RequestFailed(f"the server answers {answer.status}")
                yield answer
        except _FAILURES as error:
            raise BagError(f"{url}: {error}") from None
