"""Parsers with a limit of time."""

import re

import pytest

from ptmtorrent_scrapy.formats.markdown import render
from ptmtorrent_scrapy.parsers.limited import TooSlow, limited


def test_a_long_text_is_read_in_another_process() -> None:
    assert limited(render, "# Title") == render("# Title")


def test_parsing_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TooSlow, match="more than 1 second"):
        limited(re.match, "(a*)*b", "a" * 100, seconds=1)


def test_an_error_of_a_parser_is_raised() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        limited(int, "x")
    with pytest.raises(RuntimeError, match="TypeError"):
        limited(int, [])
