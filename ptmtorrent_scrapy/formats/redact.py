"""Remove secrets from text."""

import re

HIDDEN = "***"
_WORD = re.compile(r"[^\s\"']+")
_PART = re.compile(r"[^/?#\s\"']+")  # of a URL


def redact(text: str, token: str = "") -> str:
    """Return a text without the token, and without the users, passwords and queries of URLs in it.

    >>> redact("https://me:password@hub.example/models.json?token=abc: no answer")
    'https://***@hub.example/models.json?***: no answer'
    """
    text = _WORD.sub(lambda match: _without_query(_without_user(match[0])), text)
    return text.replace(token, HIDDEN) if token else text


def _without_user(word: str) -> str:
    """Return a URL, or a part of one, without `USER@` after `://` and without `USER:PASSWORD@`."""
    return _PART.sub(_hidden_user, word) if "@" in word else word


def _hidden_user(match: re.Match[str]) -> str:
    user, at, rest = match[0].rpartition("@")
    name, _, password = user.rpartition(":")
    is_secret = (name and password) or match.string.endswith("://", 0, match.start())
    return f"{HIDDEN}@{rest}" if at and is_secret else match[0]


def _without_query(word: str) -> str:
    start = word.find("://")
    mark = word.find("?", start + 3) if start >= 0 else -1
    if mark < 0:
        return word
    query = word[mark + 1 :].rstrip(":")
    return word[: mark + 1] + HIDDEN + word[mark + 1 + len(query) :] if query else word
