"""Convert values of hubs for columns; a value of another type becomes None."""

from typing import Any

LONGEST_NAME = 4096  # characters of a name that many rows share, such as a tag
_LARGEST = 2**63 - 1024  # a larger one is 2**63 as a float, to which pandas converts integers with gaps


def text(value: Any) -> str | None:
    r"""Return a string without NUL, at which many readers stop.

    >>> text("a\0b"), text(3)
    ('a\ufffdb', None)
    """
    if type(value) is not str:
        return None
    return value.replace("\0", "\ufffd") if "\0" in value else value


def name(value: Any) -> str | None:
    """Return a string that can be a name: neither empty nor too long.

    >>> name("mit"), name("x" * 5000), name(" ")
    ('mit', None, None)
    """
    if type(value) is not str or len(value) > LONGEST_NAME or not value or value.isspace():
        return None
    return value.replace("\0", "\ufffd") if "\0" in value else value


def whole(value: Any) -> int | None:
    """Return an integer of 64 bits.

    >>> whole(7), whole(7.0), whole(True), whole(2**63 - 1)
    (7, None, None, None)
    """
    return value if type(value) is int and -_LARGEST <= value <= _LARGEST else None


def number(value: Any) -> float | None:
    """Return a finite number.

    >>> number(1), number("1")
    (1.0, None)
    """
    return float(value) if type(value) in (int, float) and abs(value) < 1e300 else None


def boolean(value: Any) -> bool | None:
    """Return a truth value.

    >>> boolean(False), boolean("yes")
    (False, None)
    """
    return value if isinstance(value, bool) else None


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, else an empty one.

    >>> mapping({"a": 1}), mapping([1])
    ({'a': 1}, {})
    """
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a list, else an empty one.

    >>> items([1]), items("a")
    ([1], [])
    """
    return value if isinstance(value, list) else []


def names(value: Any) -> list[str]:
    """Return the names of a list, each once.

    >>> names(["a", None, "b", "a"]), names("a")
    (['a', 'b'], [])
    """
    if type(value) is not list:
        return []
    found = [each for each in value if type(each) is str and 0 < len(each) <= LONGEST_NAME and "\0" not in each]
    if len(found) < len(value) or any(map(str.isspace, found)):
        found = [each for each in map(name, value) if each]
    return found if len(found) < 2 else list(dict.fromkeys(found))
