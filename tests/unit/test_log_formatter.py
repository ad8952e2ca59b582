"""A pipeline's internal error names the item without printing it; errors that the spider reports are logged once."""

import logging

import pytest
from scrapy.utils.log import configure_logging

from ptmtorrent_scrapy.items import ListingPage, RawPage
from ptmtorrent_scrapy.log_formatter import LogFormatter, filter_loggers


def test_an_item_is_named_by_its_kind_and_not_printed() -> None:
    body = b"x" * 1_000_000
    for item, name in (
        (RawPage(path="html/metadata/a.html", body=body), "html/metadata/a.html"),
        (ListingPage(url="https://hub.example/1", following=None, body=body), "https://hub.example/1"),
    ):
        line = LogFormatter().item_error(item, ValueError("x"), None, None)
        said = line["msg"] % line["args"]
        assert name in said
        assert type(item).__name__ in said
        assert len(said) < 500


def test_a_line_that_the_spider_repeats_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    filter_loggers()
    configure_logging({"LOG_INSTALL_ROOT_HANDLER": False})  # which resets the levels of Scrapy's loggers
    logger = logging.getLogger("scrapy.downloadermiddlewares.robotstxt")
    logger.error("connection refused")
    logger.critical("worse")
    assert caplog.messages == ["worse"]
