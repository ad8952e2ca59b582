"""Scrapy's log: nothing about single items, and its start-up lists and statistics at level DEBUG.

Values are made printable, whatever a hub sends.
Three million lines would hide the summary, which comes last on the screen.
"""

import logging
from typing import Any

import scrapy.logformatter
from itemadapter import ItemAdapter
from scrapy.logformatter import LogFormatterResult

from ptmtorrent_scrapy import PLEASE_REPORT
from ptmtorrent_scrapy.formats.printable import PrintableRecord

_NAMES = ("name", "path", "url", "reason")  # fields that name an item, whatever its kind

# Loggers whose INFO lines list versions, settings, components, and all statistics at the end.
_LISTS = (
    *("scrapy.utils.log", "scrapy.crawler", "scrapy.middleware", "scrapy.addons", "scrapy.core.engine"),
    *("scrapy.statscollectors", "scrapy.extensions.telnet"),
)

# Loggers that report what the spider reports in one line: a host that does not answer for its robots.txt does not
# answer for its listing either, an answer may be larger than DOWNLOAD_MAXSIZE, and a page of a browser may fail.
_REPEATED = {
    "scrapy.downloadermiddlewares.robotstxt": logging.CRITICAL,
    "scrapy.downloadermiddlewares.httpcompression": logging.ERROR,
    "scrapy-playwright": logging.CRITICAL,
}


def filter_loggers() -> None:
    """Log Scrapy's lists at level DEBUG, except in a log file; do not log what the spider reports itself.

    This uses filters, since Scrapy resets the levels of its loggers when it starts.
    """
    for name in _LISTS:
        logging.getLogger(name).addFilter(_demoted)
    for name in _REPEATED:
        logging.getLogger(name).addFilter(_is_new)


def _is_new(record: logging.LogRecord) -> bool:
    """Return whether a line is more severe than what the spider reports itself."""
    return record.levelno >= _REPEATED[record.name]


def _demoted(record: logging.LogRecord) -> bool:
    """Return whether a line is logged; on a terminal its level becomes DEBUG."""
    to_file = any(isinstance(handler, logging.FileHandler) for handler in logging.root.handlers)
    if record.levelno != logging.INFO or to_file:
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return True


class LogFormatter(scrapy.logformatter.LogFormatter):
    """Scrapy's formatter, except for items; from the first crawl on, all log lines are printable."""

    def __init__(self) -> None:
        logging.setLogRecordFactory(PrintableRecord)

    def scraped(self, *args: Any) -> None:  # type: ignore[override]  # None: no line
        return None

    def dropped(self, *args: Any) -> None:  # type: ignore[override]  # None: no line
        return None

    def item_error(self, item: Any, *args: Any) -> LogFormatterResult:
        """Log the name of an item that a pipeline failed with; its text may have megabytes."""
        fields = ItemAdapter(item)
        name = next((fields[field] for field in _NAMES if fields.get(field)), "")
        return {
            "level": logging.ERROR,
            "msg": "internal error with %(kind)s %(name)s; " + PLEASE_REPORT,
            "args": {"kind": type(item).__name__, "name": str(name)[:200]},
        }
