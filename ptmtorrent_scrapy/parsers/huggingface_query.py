"""The query of a listing of Hugging Face's API: its fields, and the number of objects per page.

A query is only in the URL of its page: the hub repeats it in the URL of the next page.
https://huggingface.co/docs/hub/api
"""

import contextlib
import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, quote, urlsplit

MOST = 1000  # objects per page of the hub
LEAST = 50
_LONGEST_REST = 64  # pages
_FLAGS = ("full", "cardData", "config")
_EXPAND = ("expand", "expand[]")
_ACCEPTED = re.compile(r"\bone of:?(?P<names>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


def listing_url(base: str, plural: str, fields: Sequence[str]) -> str:
    """Return the URL of the first page, sorted so that models that are added during the listing shift no page."""
    return with_fields(f"{base}/api/{plural}?sort=createdAt&limit={MOST}", fields)


def fields(url: str) -> list[str]:
    """Return the names of the fields in the `expand` parameters of a URL.

    >>> fields("https://hub/api/models?limit=1000&expand[]=sha&expand=tags")
    ['sha', 'tags']
    """
    return [value for name, value in parse_qsl(url.partition("?")[2]) if name in _EXPAND]


def with_fields(url: str, names: Iterable[str]) -> str:
    """Return the URL with these fields; without any, the hub sends its default fields.

    >>> with_fields("https://hub/api/models?limit=9&full=true&cursor=a%3D", ["sha", "tags"])
    'https://hub/api/models?limit=9&cursor=a%3D&expand[]=sha&expand[]=tags'
    """
    parameters = [f"expand[]={quote(name, safe='.')}" for name in names] or [f"{flag}=true" for flag in _FLAGS]
    return _with(url, (*_EXPAND, *_FLAGS), parameters)


def shown(url: str) -> str:
    """Return the URL for a message: without the names of the fields.

    >>> shown("https://hub/api/models?limit=9&expand[]=sha&expand[]=tags&cursor=a")
    'https://hub/api/models?limit=9&cursor=a&expand[]=...'
    """
    return with_fields(url, ["..."]) if fields(url) else url


def limit(url: str) -> int:
    """Return the maximal number of objects of a page."""
    number = dict(parse_qsl(url.partition("?")[2])).get("limit", "")
    return min(int(number), MOST) if number.isdecimal() and number.isascii() and len(number) < 10 else MOST


def with_limit(url: str, number: int) -> str:
    """Return the URL with another number of objects."""
    return _with(url, ("limit",), [f"limit={number}"])


def accepted(answer: str) -> frozenset[str] | None:
    """Return the fields that an answer with status 400 allows; None if it lists none.

    >>> sorted(accepted('{"error": "\\\\"expand\\\\" must be one of [author, model-index]"}'))
    ['author', 'model-index']
    """
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        answer = str(json.loads(answer)["error"])
    match = _ACCEPTED.search(answer[:10_000]) if "expand" in answer[:10_000] else None
    return frozenset(_NAME.findall(match["names"])) if match else None


def at_endpoint(url: str, base: str, plural: str) -> str | None:
    """Return the URL of a listing's page at the endpoint in use, whatever host names it; None for other pages.

    A mirror forwards the hub's answers, so its pages name the hub's host. Path and query are the hub's own.

    >>> at_endpoint("https://huggingface.co/api/models?cursor=a", "http://localhost:8000/hf", "models")
    'http://localhost:8000/hf/api/models?cursor=a'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.path.endswith(f"/api/{plural}"):
        return None
    return f"{base}/api/{plural}?{parts.query}"


class PageSize:
    """The number of objects to request: fewer if a page is too large for the hub, more again after successes.

    Each time a larger page fails again, the number of smaller pages before the next attempt doubles.
    """

    def __init__(self) -> None:
        self._needed = 1  # pages before the next attempt
        self._came = 0
        self._has_grown = False

    def smaller(self, url: str) -> str | None:
        """Return the URL of a smaller page, after its page has failed; None if that is not possible."""
        if limit(url) <= LEAST:
            return None
        if self._has_grown:
            self._needed = min(self._needed * 2, _LONGEST_REST)
        self._came, self._has_grown = 0, False
        return with_limit(url, max(limit(url) // 2, LEAST))

    def next(self, url: str) -> str:
        """Return the URL of the next request, after a successful page."""
        if limit(url) >= MOST:
            return url
        self._came += 1
        if self._came < self._needed:
            return url
        self._came, self._has_grown = 0, True
        return with_limit(url, min(limit(url) * 2, MOST))


def _with(url: str, dropped: Iterable[str], added: Iterable[str]) -> str:
    """Return the URL without some parameters and with others; the rest stays unchanged."""
    path, _, query = url.partition("?")
    names = frozenset(dropped)
    kept = [each for each in query.split("&") if each and not names & {name for name, _ in parse_qsl(each, True)}]
    return f"{path}?{'&'.join((*kept, *added))}"
