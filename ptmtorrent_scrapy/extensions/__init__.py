"""Scrapy extensions: the phases of a crawl, its progress, summary, log and report."""

from ptmtorrent_scrapy.extensions.crawl_log import CrawlLog
from ptmtorrent_scrapy.extensions.phases import Phases
from ptmtorrent_scrapy.extensions.progress import Progress
from ptmtorrent_scrapy.extensions.report import Report
from ptmtorrent_scrapy.extensions.summary import Summary

__all__ = ["CrawlLog", "Phases", "Progress", "Report", "Summary"]
