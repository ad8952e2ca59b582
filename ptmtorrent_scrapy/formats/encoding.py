"""Decode bytes from hubs."""

import codecs

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(content: bytes) -> str:
    """Return a text in UTF-8, or in UTF-16 with a byte order mark, without that mark (RFC 8259, 8.1).

    >>> decoded("é".encode("utf-8-sig")), decoded("é".encode("utf-16")), decoded(b"a")
    ('é', 'é', 'a')
    """
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8"
    return content.decode(encoding, "replace").removeprefix("\ufeff")
