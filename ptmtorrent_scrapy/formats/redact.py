"""Removes secrets from text."""

import re

HIDDEN = "***"
_USER = re.compile(r"(?<=://)[^/?#\s\"']*@|[^/?#\s\"']+:[^/?#\s\"'@]+@")  # in a URL, or what an error took out of one
_QUERY = re.compile(r"(://[^?\s\"']*\?)[^\s\"']*[^\s\"':]")


def redact(text: str, token: str = "") -> str:
    """A text without the token, and without what URLs in it say of their user or ask for.

    >>> redact("https://me:password@hub.example/models.json?token=abc: no answer")
    'https://***@hub.example/models.json?***: no answer'
    """
    text = _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(f"{HIDDEN}@", text))
    return text.replace(token, HIDDEN) if token else text
