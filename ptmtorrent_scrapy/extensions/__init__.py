"""What goes on beside the data: the phases of a crawl, its progress and its summary."""

from ptmtorrent_scrapy.extensions.phases import Phases
from ptmtorrent_scrapy.extensions.progress import Progress
from ptmtorrent_scrapy.extensions.summary import Summary

__all__ = ["Phases", "Progress", "Summary"]
