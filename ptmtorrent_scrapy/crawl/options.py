"""Parse values that users type, such as shares, sizes and times."""

import contextlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

from ptmtorrent_scrapy import CONTACT_URL
from ptmtorrent_scrapy.formats.redact import redact
from ptmtorrent_scrapy.formats.repository_urls import comparable
from ptmtorrent_scrapy.git.models import LfsMode
from ptmtorrent_scrapy.network.addresses import origin

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_WITHOUT_USER = (
    "a URL without user and password, which records and logs would show; use HUGGINGFACE_TOKEN for Hugging Face, "
    "an http.extraHeader in CLONE_GIT_CONFIG for git, or a proxy on this machine that adds the password"
)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class InvalidOption(ValueError):
    """A setting or argument that cannot be used; the message names it, its value and what is accepted."""

    def __init__(self, name: str, value: object, accepted: str) -> None:
        super().__init__(f"{name}={value}: not accepted; {name} is {accepted}")


def size(name: str, value: str) -> int:
    """Return the bytes of a size such as `100MB` or `1.5 GiB`.

    >>> size("CLONE_MIN_FREE", "10GB")
    10000000000
    """
    match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*([A-Za-z]*)\s*", str(value), re.ASCII)
    if not match or match[2].upper() not in _UNITS:
        raise InvalidOption(name, value, "a size such as 100MB, 1.5GB or 2TiB")
    return int(Decimal(match[1]) * _UNITS[match[2].upper()])


def duration(name: str, value: str | float) -> float:
    """Return the seconds of a time such as `90`, `12h` or `1d`.

    >>> duration("CLONE_REFRESH", "1d")
    86400.0
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw]?)\s*", str(value), re.ASCII)
    if not match:
        raise InvalidOption(name, value, "a time in seconds, or such as 30m, 12h or 1d")
    return float(match[1]) * _SECONDS[match[2]]


def fraction(name: str, value: str | float) -> Fraction:
    """Return a share from 0 to 1 with its exact decimal value.

    >>> int(fraction("fraction", "0.29") * 100)
    29
    """
    number = re.fullmatch(r"(?:\d{1,9}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE]-?\d{1,2})?", str(value), re.ASCII)
    if not number or Fraction(str(value)) > 1:
        raise InvalidOption(name, value, "a number from 0 to 1")
    return Fraction(str(value))


def share(name: str, value: str) -> float:
    """Return a share above 0, up to 1, from a number such as 0.01 or a percentage.

    >>> share("--sample", "1%")
    0.01
    """
    text = value.strip()
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise InvalidOption(name, value, "a share above 0, such as 1% or 0.01")
    return number


def lfs(name: str, value: str) -> str:
    """Return a `LfsMode`, or the largest size of a file to fetch, in bytes as decimal digits.

    >>> lfs("lfs", "100MB")
    '100000000'
    """
    if value in set(LfsMode):
        return LfsMode(value)
    try:
        return str(size(name, value))
    except InvalidOption:
        raise InvalidOption(name, value, "auto, all, none or a size such as 100MB") from None


def whole(name: str, value: str | float, most: int | None = None) -> int:
    """Return a whole number from 0 to `most`."""
    if not re.fullmatch(r"\d{1,18}", str(value), re.ASCII) or (most is not None and int(value) > most):
        raise InvalidOption(
            name, value, "a whole number, 0 or above" if most is None else f"a whole number up to {most}"
        )
    return int(value)


def positive(name: str, value: str | float, most: int = 999_999_999) -> int:
    """Return a whole number from 1 to `most`."""
    if not re.fullmatch(r"0{0,9}[1-9]\d{0,8}", str(value), re.ASCII) or int(value) > most:
        raise InvalidOption(name, value, f"a whole number from 1 to {most}")
    return int(value)


def boolean(name: str, value: str | float | bool) -> bool:
    """Return the value of `true` or `false`.

    >>> boolean("private", "true")
    True
    """
    if str(value).lower() not in ("true", "false"):
        raise InvalidOption(name, value, "true or false")
    return str(value).lower() == "true"


def names(name: str, value: list[str]) -> list[str]:
    """Return names of fields, without duplicates.

    >>> names("HUGGINGFACE_EXPAND", ["sha", " tags", "sha", ""])
    ['sha', 'tags']
    """
    found = list(dict.fromkeys(each.strip() for each in map(str, value) if each.strip()))
    if not all(re.fullmatch(r"[A-Za-z_][\w-]{0,99}", each, re.ASCII) for each in found):
        raise InvalidOption(name, ",".join(map(str, value)), "names of fields separated by commas, such as sha,tags")
    return found


def token(name: str, value: str | None) -> str:
    """Return a token without surrounding white space.

    >>> token("HUGGINGFACE_TOKEN", "hf_example\\n")
    'hf_example'
    """
    found = (value or "").strip()
    if not re.fullmatch(r"[\x21-\x7e]*", found):
        accepted = "a token of visible ASCII characters; there is white space or another character inside it"
        raise InvalidOption(name, "***", accepted)
    return found


def choice(name: str, value: str, accepted: tuple[str, ...]) -> str:
    """Return a value that must be one of a few words."""
    if value not in accepted:
        raise InvalidOption(name, value, f"one of {', '.join(accepted)}")
    return value


def mirrors(name: str, value: str) -> dict[str, tuple[str, ...]]:
    """Return the URLs of LFS mirrors, or of repositories on them, by the URL of the mirrored repository.

    >>> mirrors("CLONE_LFS_MIRRORS", '{"https://a.example/o/m.git": "https://b.example/o/m"}')
    {'https://a.example/o/m': ('https://b.example/o/m',)}
    """
    accepted = 'a JSON object such as {"https://github.com/onnx/models": "https://huggingface.co/o/m"}'
    try:
        given = {key: [each] if isinstance(each, str) else list(each) for key, each in json.loads(value).items()}
        return {comparable(key): tuple(url(name, each) for each in listed) for key, listed in given.items()}
    except InvalidOption:
        raise
    except (ValueError, AttributeError, TypeError):
        raise InvalidOption(name, redact(value), accepted) from None


def server_urls(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the URLs of servers that settings name: values that are URLs, and the mirrors of LFS objects.

    >>> server_urls({"MODELZOO_URL": "http://127.0.0.1:8000", "CLONE_LFS_MIRRORS": "{}", "CLONE_RETRIES": 5})
    ('http://127.0.0.1:8000',)
    """
    named = [value for value in settings.values() if isinstance(value, str) and origin(value)]
    with contextlib.suppress(InvalidOption):
        for key, urls in mirrors("CLONE_LFS_MIRRORS", settings["CLONE_LFS_MIRRORS"]).items():
            named += [key, *urls]
    return tuple(named)


def _is_plain(value: str) -> bool:
    """Return whether a value has only characters of URLs (RFC 3986)."""
    return value.isascii() and value.isprintable() and not set(value) & set(' "<>\\^`{|}')


def url(name: str, value: str) -> str:
    """Return the base URL of a server. Raise `InvalidOption`, also for one with a user or password in it."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and _is_plain(value)
    except ValueError:
        usable = False
    if usable and "@" in parts.netloc:
        raise InvalidOption(name, redact(value), _WITHOUT_USER)
    if not usable:
        raise InvalidOption(name, redact(value), "a URL such as https://huggingface.co")
    if parts.query or parts.fragment:
        raise InvalidOption(name, redact(value), "a URL without a query (?) and a fragment (#)")
    return value


def protocols(name: str, value: str) -> tuple[str, ...]:
    """Return the protocols that git may use, from names separated by colons."""
    names = tuple(value.split(":"))
    if not set(names) <= {"http", "https"}:
        raise InvalidOption(name, value, "one or more protocols of http, https, between colons")
    return names


def contact(name: str, value: str) -> str:
    """Return a contact for hubs that can be part of a `User-Agent` header. Raise `InvalidOption`.

    >>> contact("CONTACT_URL", "mailto:you@example.org")
    'mailto:you@example.org'
    """
    if not re.fullmatch(r"(https?://|mailto:)[!-'*-~]+", value, re.ASCII):
        raise InvalidOption(name, value, "a URL such as https://you.example/study or mailto:you@example.org")
    return value


def user_agent(agent: str | None, contact_url: str) -> str:
    """Return the `User-Agent` with the contact of the settings instead of the project's own."""
    return (agent or "").replace(CONTACT_URL, contact_url)
