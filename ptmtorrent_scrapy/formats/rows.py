"""Format rows of a summary for a terminal: a name and a text."""

import textwrap

from ptmtorrent_scrapy.formats.printable import printable

_WIDTH = 80  # columns of a terminal
_BESIDE = 16  # columns before the text


def row(name: str, text: str) -> str:
    """Return a row, in lines of at most 80 columns unless a word is longer.

    >>> row("models", "300 listed")
    '  models        300 listed'
    """
    wrapped = textwrap.wrap(printable(text), _WIDTH - _BESIDE, break_long_words=False, break_on_hyphens=False)
    return f"  {name:<13} " + f"\n{'':{_BESIDE}}".join(wrapped)
