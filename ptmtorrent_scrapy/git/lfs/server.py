"""The LFS server of a repository, and the meaning of network errors for its objects."""

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptmtorrent_scrapy.git.errors import GitError, Refused, TooSlow, Transient, Unavailable
from ptmtorrent_scrapy.network.addresses import AddressRefused
from ptmtorrent_scrapy.network.connections import Network, Unreachable
from ptmtorrent_scrapy.network.http import RequestFailed
from ptmtorrent_scrapy.network.proxies import ProxyUnusable


@dataclass(frozen=True, kw_only=True)
class LfsServer:
    """An LFS server with the settings for its requests."""

    url: str  # of its API
    network: Network
    protocols: tuple[str, ...] = ("https",)
    token: tuple[str, str] | None = field(default=None, repr=False)  # base URL and token
    user_agent: str = ""
    min_rate: int = 0  # bytes per second
    timeout: float = 3600.0  # seconds without progress


@contextlib.contextmanager
def network_errors() -> Iterator[None]:
    """Turn network errors into errors of repositories."""
    try:
        yield
    except AddressRefused as error:
        raise Refused(f"their server leads elsewhere: {error}") from error
    except (Unreachable, ProxyUnusable) as error:
        raise Unavailable(str(error)) from error
    except RequestFailed as error:
        raise GitError(str(error)) from error
    except TimeoutError as error:
        raise TooSlow("their server does not answer in time") from error
    except (OSError, http.client.HTTPException) as error:
        raise Transient("the connection to their server broke") from error
