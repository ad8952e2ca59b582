"""Render GitHub's Markdown to safe HTML, and read the tables in it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import nh3
from cmarkgfm.cmark import Options, markdown_to_html_with_extensions
from lxml import etree
from parsel import Selector

# https://github.github.com/gfm/: CommonMark with two of its extensions, by GitHub's own parser, whose time is linear
_EXTENSIONS = ("table", "strikethrough")
_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'">
</head>
<body>
{}</body>
</html>
"""
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_DEEPEST = 256  # nested elements; nh3's time grows with the square of the depth
_NOT_NESTED = {  # elements without an end tag, or whose end tag is optional
    *("area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html", "img", "input"),
    *("li", "link", "meta", "optgroup", "option", "p", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead"),
    *("tr", "track", "wbr"),
}
_EMPTY_ANCHOR = re.compile(r"<a(\s[^<>]*)/>", re.IGNORECASE)  # which have no end tag
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Attributes of anchors in headings and of tables, besides those that nh3 allows
_ATTRIBUTES = {tag: {*nh3.ALLOWED_ATTRIBUTES.get(tag, ()), "id"} for tag in (*_HEADINGS, "a", "table")}
_ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, **_ATTRIBUTES, "a": {*_ATTRIBUTES["a"], "name"}}


class TooDeep(ValueError):
    """A text whose elements are nested deeper than in any sensible page."""


def render(markdown: str) -> str:
    """Return a complete HTML page without scripts and external resources, to be written as UTF-8.

    Raise `TooDeep`.

    >>> render("a | b\\n-|-\\n1 | 2").count("<td>")
    2
    >>> "evil" in render("<script>evil()</script><b onclick='evil()'>x</b>")
    False
    """
    html = markdown_to_html_with_extensions(markdown, options=Options.CMARK_OPT_UNSAFE, extensions=_EXTENSIONS)
    html = _EMPTY_ANCHOR.sub(r"<a\1></a>", html)
    _check_depth(html)
    return _PAGE.format(nh3.clean(html, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel=None))


def _check_depth(html: str) -> None:
    """Raise `TooDeep` for elements that are nested too deep."""
    within: Counter[str] = Counter()
    depth = 0
    for tag in _TAG.finditer(html):
        slash, name = tag[1], tag[2].lower()
        if name in _NOT_NESTED or (slash and not within[name]):
            continue
        step = -1 if slash else 1
        within[name] += step
        depth += step
        if depth > _DEEPEST:
            raise TooDeep(f"has elements in more than {_DEEPEST} others")


def is_rendered(page: bytes) -> bool:
    """Return whether a page is one that `render` made.

    >>> is_rendered(render("# A").encode()), is_rendered(b"<html></html>")
    (True, False)
    """
    return page.startswith(_PAGE.partition("{}")[0].encode())


def plain(text: str) -> str:
    """Return a complete HTML page that shows a text unchanged."""
    return _PAGE.format(f"<pre>{escape(text)}</pre>\n")


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text with single spaces, and the targets of its links."""

    text: str
    links: list[str]


@dataclass(frozen=True)
class Table:
    """A table and the heading above it."""

    columns: list[str]
    rows: list[list[Cell]]
    section: str | None  # text of the heading
    anchor: str | None  # anchor of the heading, if it has one


def tables(page: str) -> Iterator[Table]:
    """Yield the tables of an HTML page, in its order; a table in a table is part of a cell."""
    heading: Any = None
    walk = etree.iterwalk(Selector(page).root, events=("start",), tag=("table", *_HEADINGS))
    for _, element in walk:
        if element.tag != "table":
            heading = element
            continue
        walk.skip_subtree()
        yield _table(element, heading)


def _table(table: Any, heading: Any) -> Table:
    lines = [*_children(table, "tr"), *(row for part in _children(table, "thead", "tbody", "tfoot") for row in part)]
    lines = [line for line in lines if line.tag == "tr"]
    head = [_text(cell) for cell in _children(lines[0], "th")] if lines else []
    rows = [[_cell(cell) for cell in _children(line, "th", "td")] for line in lines[bool(head) :]]
    section = "" if heading is None else _text(heading)
    anchors = () if heading is None else heading.iter("a")
    return Table(head, rows, section or None, next((name for a in anchors if (name := a.get("name"))), None))


def _children(element: Any, *tags: str) -> Iterator[Any]:
    return (child for child in element if child.tag in tags)


def _cell(cell: Any) -> Cell:
    return Cell(_text(cell), [link.strip() for a in cell.iter("a") if (link := a.get("href")) is not None])


def _text(element: Any) -> str:
    """Return the text of an element with single spaces; a line break is one."""
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    return " ".join("".join(_piece(event, node, node is element) for event, node in walk).split())


def _piece(event: str, node: Any, is_whole: bool) -> str:
    """Return the text after the beginning or the end of a node."""
    if event == "start":
        return " " if node.tag == "br" else node.text or ""
    return "" if is_whole else node.tail or ""


def links(page: str) -> list[str]:
    """Return the targets of the links of an HTML page."""
    return [link.strip() for a in Selector(page).root.iter("a") if (link := a.get("href")) is not None]
