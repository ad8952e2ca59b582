"""Markdown as GitHub writes it, the HTML it becomes, and the tables in that."""

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from parsel import Selector

# https://github.github.com/gfm/: CommonMark, which lets HTML through, with two of its extensions
_GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_PAGE = '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n</head>\n<body>\n{}</body>\n</html>\n'
_HEADING = "preceding::*[self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6][1]"


def render(markdown: str) -> str:
    """A whole HTML page, to be written as UTF-8.

    >>> render("a | b\\n-|-\\n1 | 2").count("<td>")
    2
    """
    return _PAGE.format(_GITHUB.render(markdown))


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text with single spaces, and where its links lead."""

    text: str
    links: list[str]


@dataclass(frozen=True)
class Table:
    """A table and the heading above it."""

    columns: list[str]
    rows: list[list[Cell]]
    section: str | None  # text of the heading
    anchor: str | None  # name that the heading can be linked by, where it gives itself one


def tables(page: str) -> Iterator[Table]:
    """The tables of an HTML page, in its order."""
    for table in Selector(page).xpath("//table"):
        lines = table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")
        head = [_text(cell) for cell in lines[:1].xpath("./th")]
        rows = [[_cell(cell) for cell in line.xpath("./th | ./td")] for line in lines[bool(head) :]]
        heading = table.xpath(_HEADING)
        section = _text(heading[0]) if heading else ""
        yield Table(head, rows, section or None, heading.xpath(".//a/@name").get())


def _cell(cell: Selector) -> Cell:
    return Cell(_text(cell), [link.strip() for link in cell.xpath(".//a/@href").getall()])


def _text(selector: Selector) -> str:
    pieces = selector.xpath(".//text() | .//br").getall()
    return " ".join("".join(" " if piece == "<br>" else piece for piece in pieces).split())


def links(page: str) -> list[str]:
    """Where the links of an HTML page lead."""
    return [link.strip() for link in Selector(page).xpath("//a/@href").getall()]
