"""`Link`: what a page leads to (RFC 8288, 3)."""

import re
from collections.abc import Iterator

_LINK = re.compile(r"""<([^>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*+"|[^\s;,"]*))?)*+)\s*(?:,|$)""")
_PARAMETER = re.compile(r""";\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]*)))?""")


def links(header: str) -> Iterator[tuple[str, set[str]]]:
    """(URL, relations in lower case) of each link. Raises `ValueError` for what is no such header.

    >>> list(links('</a?b>; title="one, two"; rel="next last", <c>; rel=prev')) == [
    ...     ("/a?b", {"next", "last"}), ("c", {"prev"})]
    True
    """
    rest = header.lstrip(" \t,")
    while rest:
        match = _LINK.match(rest)
        if match is None:
            raise ValueError(f"{rest[:200]!r} is no link")
        relations = [quoted or plain for name, quoted, plain in _PARAMETER.findall(match[2]) if name.lower() == "rel"]
        yield match[1], set(relations[0].lower().split()) if relations else set()
        rest = rest[match.end() :].lstrip(" \t,")


def next_link(header: str) -> str | None:
    """The URL of the next page. Raises `ValueError`."""
    return next((url for url, relations in list(links(header)) if "next" in relations), None)
