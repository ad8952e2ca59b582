"""Split JSON from hubs without changing a byte, and read it without trusting its structure."""

import json
import re
from collections.abc import Callable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined] # which typeshed does not name
from typing import Any, NamedTuple, NoReturn

from ptmtorrent_scrapy.items import Metadata

_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|[^"\[\]{},:\s]+', re.DOTALL)
_LARGEST = 2**63 - 1


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_constant)
# Python does not convert numbers of more than 4300 digits; as floats they become infinite, and the text keeps them.
_patient_decoder = json.JSONDecoder(parse_constant=_constant, parse_int=float)


class _Broken(NamedTuple):
    """The text of an element that no JSON parser accepts, though its end is known."""

    text: str
    reason: str


def elements(text: str) -> list[Metadata]:
    """Return the elements of a JSON array, each with its exact text. Raise `ValueError`, `RecursionError`.

    An element that is nested too deep, or has an invalid number, has a `fault`.

    >>> [element.text for element in elements('[{"a": 1.0},  2]')]
    ['{"a": 1.0}', '2']
    """
    text = text.removeprefix("\ufeff")  # RFC 8259, 8.1
    try:
        return list(_elements(text, _decoder.raw_decode))
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        return list(_elements(text, _patiently))


def element(text: str) -> Metadata:
    """Return a JSON text and its value. Raise `ValueError`, `RecursionError`."""
    text = text.removeprefix("\ufeff")
    (only,) = elements(f"[{text}]")
    return only


def member(text: str, name: str) -> str | None:
    """Return the text of a member of a JSON object, None if there is none of that name. Raise `ValueError`.

    >>> member('{"a": [1], "b": {"a": 2}}', "b")
    '{"a": 2}'
    """
    position = _expect(text, text.startswith("\ufeff"), "{")
    found = None
    while not text.startswith("}", position):
        key, position = scanstring(text, position + 1) if text.startswith('"', position) else _fail(text, position)
        position = _expect(text, position, ":")
        end = _skip(text, position)
        if key == name:
            found = text[position:end]
        position = _after_space(text, end)
        if not text.startswith("}", position):
            position = _expect(text, position, ",")
    _end(text, position + 1)
    return found


def _patiently(text: str, position: int) -> tuple[Any, int]:
    """Return the result of `raw_decode`, or a `_Broken` for an invalid element whose end is known."""
    reason = ""
    for decoder in (_decoder, _patient_decoder):
        try:
            return decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            reason = "nested too deep"
        except ValueError as error:
            reason = str(error)
    end = _skip(text, position)
    return _Broken(text[position:end], reason), end


def _skip(text: str, position: int) -> int:
    """Return the end of a value by matching its brackets. Raise `ValueError`."""
    depth = 0
    for token in _TOKEN.finditer(text, position):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth <= 0:
            return token.end()
    raise ValueError(f"the value that begins at {position} has no end")


def _fail(text: str, position: int) -> NoReturn:
    raise ValueError(f"{text[position : position + 20]!r} at {position} where a JSON string was expected")


def _elements(text: str, decode: Callable[[str, int], tuple[Any, int]]) -> Iterator[Metadata]:
    position = _expect(text, 0, "[")
    if text.startswith("]", position):
        return _end(text, position + 1)
    while True:
        value, end = decode(text, position)
        if isinstance(value, _Broken):
            yield Metadata(json.dumps(value.text), value.text, fault=value.reason)
        else:
            yield Metadata(text[position:end], value)
        position = _after_space(text, end)
        if text.startswith("]", position):
            return _end(text, position + 1)
        position = _expect(text, position, ",")


def _after_space(text: str, position: int) -> int:
    if text[position : position + 1] not in " \t\n\r":
        return position
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
    """Return a string that is not blank, else None; a lone surrogate becomes `?`."""
    if not isinstance(value, str):
        return None
    return (value if value.isascii() else value.encode("utf-8", "replace").decode()).strip() or None


def strings(value: Any) -> list[str]:
    """Return the strings of a list, or a single string, without duplicates.

    >>> strings("mit"), strings(["en", None, "en", "de"]), strings(3)
    (['mit'], ['en', 'de'], [])
    """
    if not value:
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return []
    try:
        if all(map(str.isascii, value)):
            return list(dict.fromkeys(filter(None, map(str.strip, value))))
    except TypeError:  # not all are strings
        pass
    return list(dict.fromkeys(text for each in value if (text := string(each))))


def texts(value: Any) -> Iterator[str]:
    """Yield the strings in a value: itself, or those of an array or object at any depth.

    >>> list(texts({"a": "one", "b": ["two", None]}))
    ['one', 'two']
    """
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            left.extend(reversed(value.values() if isinstance(value, dict) else value))


def count(value: Any) -> int | None:
    """Return the value if it is a whole number from 0 to 2^63 - 1, else None."""
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
