"""git's `url.BASE.insteadOf`, with which a user sets a mirror (git-config(1))."""

import re
from collections.abc import Mapping

_KEY = re.compile(r"url\.(.*)\.insteadof", re.IGNORECASE | re.DOTALL)


def apply(url: str, configuration: Mapping[str, str]) -> str:
    """Return the URL that git would use: the longest beginning that a setting names is replaced.

    >>> apply("https://example.org/a", {"url.http://mirror:1/.insteadOf": "https://example.org/"})
    'http://mirror:1/a'
    """
    best = max(
        ((beginning, base) for base, beginning in _pairs(configuration) if url.startswith(beginning)),
        key=lambda pair: len(pair[0]),
        default=None,
    )
    return url if best is None else best[1] + url[len(best[0]) :]


def values(configuration: Mapping[str, str]) -> list[str]:
    """Return the URLs of the mirrors."""
    return [base for base, _ in _pairs(configuration)]


def _pairs(configuration: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (URL of a mirror, beginning of the URLs that it replaces)."""
    matches = ((_KEY.fullmatch(name), value) for name, value in configuration.items())
    return [(match[1], value) for match, value in matches if match]
