"""Text of strangers, made safe to show."""

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any, TextIO

_FRAMES = ("  File ", "Traceback ", "  + ", "  | ", "\n")  # how pieces of a traceback begin that are of this program


def printable(text: str) -> str:
    r"""Return the text without characters that act on a terminal, or on the direction of what is read.

    >>> printable("a\x1b[2Jb\u202ec ü")
    'a\\x1b[2Jb\\u202ec ü'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def show(value: object, *, file: TextIO | None = None, flush: bool = False) -> None:
    """Print one line, to stdout by default."""
    print(printable(str(value)), file=sys.stdout if file is None else file, flush=flush)


class PrintableRecord(logging.LogRecord):
    """A line of the log whose values are printable; its format is the program's own."""

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        """Return the message with its values."""
        if self.exc_info and self.exc_info[1] and not self.exc_text:
            self.exc_text = _traceback(self.exc_info[1])
        if not self.args:
            return str(self.msg) if isinstance(self.msg, str) else printable(str(self.msg))
        if isinstance(self.args, Mapping):
            return str(self.msg) % {name: _Printable.of(value) for name, value in self.args.items()}
        return str(self.msg) % tuple(map(_Printable.of, self.args))


class _Printable:
    """A value whose text is printable."""

    def __init__(self, value: object) -> None:
        self._value = value

    @classmethod
    def of(cls, value: Any) -> Any:
        """Return a number as it is, text as printable text, and anything else so that its text will be."""
        if isinstance(value, str):
            return printable(value)
        return value if isinstance(value, int | float) else cls(value)

    def __str__(self) -> str:
        return printable(str(self._value))

    def __repr__(self) -> str:
        return printable(repr(self._value))


def _traceback(error: BaseException) -> str:
    """Return a traceback in which what errors say is one line each."""
    pieces = traceback.TracebackException.from_exception(error).format()
    lines = (piece if piece.startswith(_FRAMES) else printable(piece.removesuffix("\n")) + "\n" for piece in pieces)
    return "".join(lines).rstrip("\n")
