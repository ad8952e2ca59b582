"""Markdown as GitHub writes it, and the HTML it becomes."""

from markdown_it import MarkdownIt

# https://github.github.com/gfm/: CommonMark, which lets HTML through, with two of its extensions
_GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_PAGE = '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n</head>\n<body>\n{}</body>\n</html>\n'


def render(markdown: str) -> str:
    """A whole HTML page, to be written as UTF-8.

    >>> render("a | b\\n-|-\\n1 | 2").count("<td>")
    2
    """
    return _PAGE.format(_GITHUB.render(markdown))
