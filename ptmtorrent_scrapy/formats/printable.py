"""Make untrusted text safe to show."""

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any, TextIO

_FRAMES = ("  File ", "Traceback ", "  + ", "  | ", "\n")  # beginnings of those parts of a traceback that Python writes


def printable(text: str) -> str:
    r"""Return the text without characters that control a terminal or change the direction of text.

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
    """A log record whose values are printable; its format string is trusted."""

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
        """Return a number unchanged, text as printable text, and any other value wrapped with printable text."""
        if isinstance(value, str):
            return printable(value)
        return value if isinstance(value, int | float) else cls(value)

    def __str__(self) -> str:
        return printable(str(self._value))

    def __repr__(self) -> str:
        return printable(repr(self._value))


def _traceback(error: BaseException) -> str:
    """Return a traceback in which each error message is one line."""
    pieces = traceback.TracebackException.from_exception(error).format()
    lines = (piece if piece.startswith(_FRAMES) else printable(piece.removesuffix("\n")) + "\n" for piece in pieces)
    return "".join(lines).rstrip("\n")
