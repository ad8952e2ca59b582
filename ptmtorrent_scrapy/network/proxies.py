"""The user's proxies, from the environment (as `urllib.request` reads it) or from git's configuration."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class ProxyUnusable(Exception):
    """The user's proxy cannot be used; the message is one line for the user."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy of the user."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the proxy at a URL, with `http://` by default. Raise `ProxyUnusable`."""
        text = url if "://" in url else f"http://{url}"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ProxyUnusable("the URL of the proxy cannot be read; check http_proxy, https_proxy") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            accepted = ", ".join(f"{name}://" for name in _PORTS)
            raise ProxyUnusable(f"a proxy with {parts.scheme}:// cannot be used; {accepted} can")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @property
    def authorization(self) -> str | None:
        """Return the value of the header `Proxy-Authorization`."""
        if not self.user:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __str__(self) -> str:
        return f"the proxy {self.scheme}://{self.host}:{self.port}"


def proxy_of(scheme: str, host: str, port: int, configuration: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for a server: of git's `http.proxy`, else of the environment. Raise `ProxyUnusable`.

    `http.URL.proxy` applies to servers whose URL begins with URL. `no_proxy` applies only to the environment.
    """
    wanted = http_setting(configuration, "proxy", f"{scheme}://{host}:{port}/")
    if wanted is not None:
        return Proxy.parse(wanted) if wanted else None
    found = getproxies_environment()
    url = found.get(scheme) or found.get("all")
    if not url or proxy_bypass_environment(f"{host}:{port}", found):
        return None
    return Proxy.parse(url)


def check_environment(page_urls: Iterable[str]) -> None:
    """Check the proxies of the environment, including those for pages. Raise `ProxyUnusable`.

    git and git-lfs can use a SOCKS proxy through ours (network/guard.py); Scrapy can only use HTTP proxies.
    """
    found = getproxies_environment()
    for name in ("http", "https", "all"):
        if found.get(name):
            Proxy.parse(found[name])
    for parts in map(urlsplit, page_urls):
        proxy = found.get(parts.scheme, "")
        if proxy.startswith("socks") and not proxy_bypass_environment(parts.netloc, found):
            raise ProxyUnusable(
                f"{parts.scheme}_proxy names a SOCKS proxy, which cannot be used for pages of {parts.netloc}; "
                "set an http:// proxy, and for git and git-lfs set the SOCKS proxy as http.proxy in CLONE_GIT_CONFIG"
            )


def http_setting(configuration: Mapping[str, str], name: str, url: str) -> str | None:
    """Return `http.URL.NAME` of git's configuration for the longest matching URL, else `http.NAME` (git-config(1)).

    >>> http_setting({"http.proxy": "a:1", "http.https://example.org.proxy": "b:2"}, "proxy", "https://example.org/x")
    'b:2'
    """
    best: tuple[int, str] | None = None
    for key, value in configuration.items():
        parts = key.split(".")
        if len(parts) < 2 or parts[0].lower() != "http" or parts[-1].lower() != name.lower():
            continue
        prefix = ".".join(parts[1:-1])
        if _fits(prefix, url) and (best is None or len(prefix) >= best[0]):
            best = len(prefix), value
    return best[1] if best else None


def _fits(prefix: str, url: str) -> bool:
    """Return whether a URL is below another one."""
    if not prefix:
        return True
    wanted, given = urlsplit(prefix), urlsplit(url)
    ports = {"http": 80, "https": 443}
    same = (wanted.scheme, wanted.hostname) == (given.scheme, given.hostname)
    same = same and (wanted.port or ports.get(wanted.scheme)) == (given.port or ports.get(given.scheme))
    folder = wanted.path.rstrip("/")
    return same and (given.path == folder or given.path.startswith(f"{folder}/"))
