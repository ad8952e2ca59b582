"""The `Link` header (RFC 8288, 3)."""

import re
from collections.abc import Iterator

_LINK = re.compile(r"""<([^>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*+"|[^\s;,"]*))?)*+)\s*(?:,|$)""")
_SEPARATORS = re.compile(r"[ \t,]*")
_PARAMETER = re.compile(r""";\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]*)))?""")


def links(header: str) -> Iterator[tuple[str, set[str]]]:
    """Yield (URL, relations in lower case) of each link. Raise `ValueError` for other headers.

    >>> list(links('</a?b>; title="one, two"; rel="next last", <c>; rel=prev')) == [
    ...     ("/a?b", {"next", "last"}), ("c", {"prev"})]
    True
    """
    position = _after_separators(header, 0)
    while position < len(header):
        match = _LINK.match(header, position)
        if match is None:
            raise ValueError(f"{header[position : position + 200]!r} is not a link")
        relations = [quoted or plain for name, quoted, plain in _PARAMETER.findall(match[2]) if name.lower() == "rel"]
        yield match[1], set(relations[0].lower().split()) if relations else set()
        position = _after_separators(header, match.end())


def _after_separators(header: str, position: int) -> int:
    match = _SEPARATORS.match(header, position)
    return match.end() if match else position


def next_link(header: str) -> str | None:
    """Return the URL of the next page, None on the last one. Raise `ValueError`."""
    return next((url for url, relations in list(links(header)) if "next" in relations), None)
