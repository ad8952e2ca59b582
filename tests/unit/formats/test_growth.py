"""Parsing untrusted texts takes linear time: twice the text is twice the work."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from ptmtorrent_scrapy.formats import safe_yaml
from ptmtorrent_scrapy.formats.dois import arxiv_doi, dois
from ptmtorrent_scrapy.formats.link_header import next_link
from ptmtorrent_scrapy.formats.markdown import TooDeep, links, render, tables
from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.formats.redact import redact
from ptmtorrent_scrapy.formats.repository_urls import repository
from ptmtorrent_scrapy.parsers.huggingface_ids import dataset_id, model_id
from ptmtorrent_scrapy.parsers.onnx_pages import arxiv_papers, model_rows, read_statistics
from ptmtorrent_scrapy.parsers.pytorchhub import model_page, urls

_TABLE = "a|b\n-|-\n1|2\n\n"
# (parser, beginning, repeated part, end)
_CASES: list[tuple[Callable[[str], Any], str, str, str]] = [
    (render, "", _TABLE, ""),
    (render, "", "[", ""),
    (render, "", "*a **a ", ""),
    (render, "", "<a ", ""),
    (render, "", "# a\n\n", ""),
    (render, "", "![[", ""),
    (render, "", "&#", ""),
    (render, "", ">", ""),
    (render, "", "- a\n\n  b\n", ""),
    (render, "", "<div>\n", ""),
    (render, "", "<ul><li>", ""),
    (render, "", "<p><b><i>", ""),
    (lambda text: list(tables(text)), "", "<table><tr><td>1</table>", ""),
    (lambda text: list(tables(text)), "<h1>x</h1>", "<table><tr><td>1</table>", ""),
    (lambda text: list(tables(text)), "", "<table>", ""),
    (lambda text: list(tables(text)), "<table><tr>", "<td>a<br>b", ""),
    (lambda text: list(tables(text)), "", "<h1>x</h1>", "<table></table>"),
    (lambda text: list(model_rows(text, "a", "o/n")), "", "<table><tr><td><a href=b.onnx>1</a></table>", ""),
    (links, "", "<a href=x>y</a>", ""),
    (arxiv_papers, "", "<a href=https://arxiv.org/abs/1810.04805>y</a>", ""),
    (dois, "", "10.1234/", ""),
    (dois, "10.1000/", "/full", "x"),
    (dois, "10.1000/", "/", "x"),
    (dois, "10.1000/", "(a", "))))"),
    (dois, "10.1101/", "1.", ""),
    (dois, "", "aclanthology.org/", ""),
    (dois, "", "arxiv.org/abs/", ""),
    (dois, "arxiv:", " ", "x"),
    (dois, "", "nature.com/articles/s", ""),
    (arxiv_doi, "", "arxiv:", ""),
    (next_link, "", "<a>,", ""),
    (next_link, "<a>", "; a", ""),
    (next_link, "<a>", ';a="b"', ""),
    (redact, "", "a", ""),
    (redact, "", "a:", ""),
    (redact, "", "://", ""),
    (redact, "", "://a?b", " x"),
    (redact, "", "a:b@", ""),
    (printable, "", "\x1b", ""),
    (repository, "https://gitlab.", "a.", "/x/y"),
    (repository, "git@", "a", ":b"),
    (safe_yaml.load, "a: 1", ":1", ""),
    (safe_yaml.load, "a: 1", "_", "x"),
    (safe_yaml.load, "a: 2001-01-01 ", " ", "x"),
    (lambda text: read_statistics(text, "f"), "a: 1", ":1", ""),
    (urls, "", "http://(", ""),
    (urls, "http://", "a(", ""),
    (lambda text: model_page("a.md", text), "---\n", "---x\n", ""),
    (lambda text: (model_id(text, ""), dataset_id(text, "")), "", "a.", ""),
    (lambda text: (model_id(text, ""), dataset_id(text, "")), "[", "](", ")"),
]


def _work(function: Callable[[str], Any], text: str) -> tuple[int, float]:
    """Return (calls, seconds of the processor in this thread) of reading a text."""
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        _read(function, text)
    finally:
        sys.setprofile(None)
    seconds = []
    for _ in range(3):
        began = time.thread_time()
        _read(function, text)
        seconds.append(time.thread_time() - began)
    return calls, min(seconds)


def _read(function: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(TooDeep, *safe_yaml.Broken):
        function(text)


@pytest.mark.parametrize(("function", "beginning", "repeated", "end"), _CASES)
def test_twice_the_text_is_twice_the_work(
    function: Callable[[str], Any], beginning: str, repeated: str, end: str
) -> None:
    (calls, seconds), (more_calls, more_seconds) = (
        _work(function, beginning + repeated * (length // len(repeated)) + end) for length in (2_000, 16_000)
    )
    assert more_calls <= 8 * 1.5 * calls + 100, "calls grow faster than the text"
    assert more_seconds <= 8 * 3 * seconds + 0.01, "time grows faster than the text"
