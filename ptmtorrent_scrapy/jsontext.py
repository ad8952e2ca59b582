"""JSON of hubs: taken apart without losing a byte, and read without trusting its shape."""

import json
import re
from collections.abc import Iterator
from typing import Any

from ptmtorrent_scrapy.items import Metadata

_SPACE = re.compile(r"[ \t\n\r]*")
_LONGEST_NUMBER = 1000  # digits; Python refuses to convert more than 4300, and 64 bits have 19
_LARGEST = 2**63 - 1


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _LONGEST_NUMBER else float(digits)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_int=_integer, parse_constant=_constant)


def elements(text: str) -> Iterator[Metadata]:
    """The elements of a JSON array, each with its own text to the letter. Raises `ValueError`, `RecursionError`.

    >>> [element.text for element in elements('[{"a": 1.0},  2]')]
    ['{"a": 1.0}', '2']
    """
    position = _expect(text, 0, "[")
    if text.startswith("]", position):
        _end(text, position + 1)
        return
    while True:
        value, end = _decoder.raw_decode(text, position)
        yield Metadata(text[position:end], value)
        position = _after_space(text, end)
        if text.startswith("]", position):
            return _end(text, position + 1)
        position = _expect(text, position, ",")


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _expect(text: str, position: int, character: str) -> int:
    position = _after_space(text, position)
    if not text.startswith(character, position):
        raise ValueError(
            f"{text[position : position + 20]!r} at {position} where {character!r} of a JSON array was expected"
        )
    return _after_space(text, position + 1)


def _end(text: str, position: int) -> None:
    if _after_space(text, position) != len(text):
        raise ValueError(f"more after the JSON array, at {position}")


def string(value: Any) -> str | None:
    """The value, if it is a string that says something; half a surrogate pair, which is no text, becomes `?`."""
    if not isinstance(value, str):
        return None
    return (value if value.isascii() else value.encode("utf-8", "replace").decode()).strip() or None


def strings(value: Any) -> list[str]:
    """The strings of a list, or the only one, each once.

    >>> strings("mit"), strings(["en", None, "en", "de"]), strings(3)
    (['mit'], ['en', 'de'], [])
    """
    values = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text for each in values if (text := string(each))))


def count(value: Any) -> int | None:
    """The value, if it is a whole number of 0 to 2^63 - 1."""
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def mapping(value: Any) -> dict[str, Any]:
    """The value, if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
