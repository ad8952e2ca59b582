"""Handle Ctrl-C while a command starts, and in commands without Scrapy's engine."""

import sys
from types import TracebackType


def end_without_traceback() -> None:
    """Let Ctrl-C end the process with one line."""
    sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("stopped by you", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)
