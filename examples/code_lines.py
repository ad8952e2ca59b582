"""Count lines of code as cloc does: lines of files in a known language that are neither empty nor a comment."""

import json
import re
from collections.abc import Iterator

_LANGUAGES = {  # suffixes of languages with the same syntax: (beginning of a line comment, begin and end of a block)
    "cfg cmake conf dockerfile ini jl makefile mk pl r rb sh toml yaml yml": ("#", "", ""),
    "c cc cpp cs cu cuh cxx go h hh hpp java js jsx kt m mm proto rs scala swift ts tsx": ("//", "/*", "*/"),
    "hs lua sql": ("--", "", ""),
    "tex": ("%", "", ""),
    "css": ("", "/*", "*/"),
    "htm html markdown md svg xml": ("", "<!--", "-->"),
    "csv ipynb json py pyi rst txt": ("", "", ""),
}
SYNTAX = {suffix: syntax for suffixes, syntax in _LANGUAGES.items() for suffix in suffixes.split()}
_DOCSTRING = re.compile(r"[rRuU]?(\"\"\"|''')")
_QUOTES = re.compile(r"\"\"\"|'''")


def language_of(path: bytes) -> str:
    """Return the suffix of a file in lower case; its name if it has none."""
    return path.rpartition(b"/")[2].rpartition(b".")[2].decode("utf-8", "replace").lower()


def lines_of_code(language: str, content: bytes) -> int:
    """Count the lines that are neither empty nor a comment.

    >>> lines_of_code("py", b'# comment\\n\\ndef two():\\n    return 2\\n')
    2
    """
    if language not in SYNTAX or b"\0" in content:
        return 0
    text = content.decode("utf-8", "replace")
    if language == "ipynb":
        return sum(_lines(cell, "#", "", "") for cell in _cells(text))
    if language in ("py", "pyi"):
        return _python(text)
    return _lines(text, *SYNTAX[language])


def _lines(text: str, mark: str, opening: str, closing: str) -> int:
    count, in_comment = 0, False
    for line in map(str.strip, text.splitlines()):
        if in_comment or (opening and line.startswith(opening)):
            in_comment = closing not in line.removeprefix(opening)
        else:
            count += bool(line) and not (mark and line.startswith(mark))
    return count


def _python(text: str) -> int:
    """Count lines of Python; a triple-quoted string at the beginning of a line is a comment."""
    count, quotes, is_code = 0, "", False
    for line in map(str.strip, text.splitlines()):
        if not quotes:
            match = _DOCSTRING.match(line)
            is_code = bool(line) and not match and not line.startswith("#")
            quotes = _open(line) if is_code or match else ""
        elif quotes in line:
            quotes = _open(line.partition(quotes)[2])
        count += is_code and bool(line)
    return count


def _open(line: str) -> str:
    """Return the three quotes of a string that does not end in the line, or ""."""
    quotes = ""
    for found in _QUOTES.findall(line):
        quotes = "" if quotes == found else quotes or found
    return quotes


def _cells(text: str) -> Iterator[str]:
    """Yield the code of a Jupyter notebook, of format 4 or 3."""
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets", [notebook])
        for cell in (cell for sheet in sheets for cell in sheet["cells"] if cell["cell_type"] == "code"):
            yield "".join(cell.get("source", cell.get("input", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # no notebook
