"""Scrapy extensions: the phases that follow a listing, progress, summary, log of crawls and report.

Hub-specific behaviour is an attribute or a method of the spider. The work itself belongs in `cloning` or a library.
"""

from ptmtorrent_scrapy.extensions.crawl_log import CrawlLog
from ptmtorrent_scrapy.extensions.phases import Phases
from ptmtorrent_scrapy.extensions.progress import Progress
from ptmtorrent_scrapy.extensions.report import Report
from ptmtorrent_scrapy.extensions.summary import Summary

__all__ = ["CrawlLog", "Phases", "Progress", "Report", "Summary"]
