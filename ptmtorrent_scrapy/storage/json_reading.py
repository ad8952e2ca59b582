"""Read JSON arrays and JSON lines one element at a time; a broken element is skipped."""

import re
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple

import orjson

LONGEST = 1 << 26  # bytes of an element
_NEIGHBOURS = 1 << 22  # bytes to search for the end of a broken element, if elements have one line each
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]')
_SUSPECT = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*')
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)", re.DOTALL)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]..")

Report = Callable[[str], object]
Read = Callable[[bytes], Any]  # returns the value of a JSON text or a part of it; raises `ValueError`


class Element(NamedTuple):
    """An element of an array: its position from 0, its value, and the place of its text in the file."""

    position: int
    value: Any
    offset: int
    length: int


def value(text: bytes) -> Any:
    """Return the value of a JSON text; replace what Unicode or a float cannot hold. Raise `ValueError`.

    >>> value(b'{"a": "\\\\ud800!", "b": 1e999}')
    {'a': '\ufffd!', 'b': None}
    """
    try:
        return orjson.loads(text)
    except ValueError:
        text = text.decode("utf-8", "replace").encode()
        return orjson.loads(_SUSPECT.sub(_mended, text))


def _mended(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token.startswith(b'"'):
        return _ESCAPE.sub(lambda escape: rb"\ufffd" if _HALF.fullmatch(escape[0]) else escape[0], token)
    try:
        return b"null" if float(token) in (float("inf"), float("-inf")) else token
    except ValueError:
        return token


def bounded_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, text) of each line; one that is too long is cut."""
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            _skip_line(file)
        yield number, line


def lines(file: IO[bytes], report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number from 1, object) of each line; `report` gets a description of each that is not an object."""
    for number, line in bounded_lines(file):
        try:
            found = value(line)
        except ValueError:
            found = None
        if isinstance(found, dict):
            yield number, found
        elif line.strip():
            report(f"line {number} is not a JSON object")


def elements(file: IO[bytes], report: Report, read: Read = value) -> Iterator[Element]:
    """Yield the elements of a file that holds one JSON array; `report` gets a description of each that is broken.

    `read` is called for elements on one line.
    """
    first = file.readline(LONGEST)
    if first.strip() == b"[":
        yield from _Array(file, report, read).elements()
    elif first.lstrip().startswith(b"["):
        yield from _at_once(file, first, report)
    else:
        report("is not a JSON array")


def _at_once(file: IO[bytes], first: bytes, report: Report) -> Iterator[Element]:
    """Yield the elements of an array with another formatting."""
    text = first + file.read(LONGEST)
    try:
        found = value(text) if len(text) < LONGEST else None
    except ValueError:
        found = None
    if not isinstance(found, list):
        report("is not a JSON array with one element per line")
        return
    for position, each in enumerate(found):
        yield Element(position, each, 0, 0)


class _Array:
    """An array after its first bracket. Elements have one line each, or more if a hub formats its answers."""

    def __init__(self, file: IO[bytes], report: Report, read: Read) -> None:
        self._file = file
        self._report = report
        self._read = read
        self._is_compact = False  # whether an element on one line was found

    def elements(self) -> Iterator[Element]:
        position, offset = 0, self._file.tell()
        while line := self._file.readline(LONGEST):
            if line in (b"]\n", b"]"):
                return
            text = line[:-2] if line.endswith(b",\n") else line.rstrip(b"\n").removesuffix(b",")
            length = len(line)
            try:
                found = self._read(text)
                self._is_compact = True
            except ValueError:
                found, length = self._continued(line)
            if length:
                yield Element(position, found, offset, length)
            else:
                self._report(f"element {position} is not JSON")
                length = len(line) + self._rest_of(line)
            position += 1
            offset += length
        self._report("its end is missing")

    def _rest_of(self, line: bytes) -> int:
        return _skip_line(self._file) if len(line) == LONGEST and not line.endswith(b"\n") else 0

    def _continued(self, line: bytes) -> tuple[Any, int]:
        """Return (value, bytes) of the element that begins with this line; (None, 0), and go back, if it has no end."""
        back, size = self._file.tell(), len(line)
        parts, depth = [line], _depth(line)
        limit = _NEIGHBOURS if self._is_compact else LONGEST
        while depth > 0 and size < limit and (more := self._file.readline(LONGEST)):
            if self._is_compact and more.startswith(b"{") and _is_object(more):
                break
            parts.append(more)
            size += len(more)
            depth += _depth(more)
        if depth <= 0 and len(parts) > 1:
            try:
                return value(b"".join(parts).rstrip(b"\n").removesuffix(b",")), size
            except ValueError:
                pass
        self._file.seek(back)
        return None, 0


def _depth(line: bytes) -> int:
    """Return how many brackets a line opens, less those that it closes."""
    tokens = [token[0] for token in _BRACKETS.finditer(line)]
    return sum(token in (b"[", b"{") for token in tokens) - sum(token in (b"]", b"}") for token in tokens)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(value(line.rstrip(b"\n").removesuffix(b",")), dict)
    except ValueError:
        return False


def _skip_line(file: IO[bytes]) -> int:
    """Read to the end of a line that is too long; return the bytes."""
    skipped = 0
    while part := file.readline(LONGEST):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped
