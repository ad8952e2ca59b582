"""Write the report of the tree at the end of a crawl."""

import asyncio
import logging
from pathlib import Path
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from ptmtorrent_scrapy.catalog import CatalogError
from ptmtorrent_scrapy.report.writer import FOLDER, write_report
from ptmtorrent_scrapy.storage.lock import LockHeld

logger = logging.getLogger(__name__)


class Report:
    """Extension: writes the report after the crawl has unlocked the tree, if `REPORT` is true."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("REPORT"):
            raise NotConfigured
        report = cls(Path(crawler.settings["DATA_DIR"]))
        crawler.signals.connect(report.write, signals.engine_stopped)
        return report

    async def write(self) -> None:
        await asyncio.to_thread(self._write)

    def _write(self) -> None:
        try:
            logger.info("the report is %s", write_report(self.root, self.root / FOLDER))
        except LockHeld:
            logger.warning("another process writes the report of %s; run `scrapy report` for a newer one", self.root)
        except (CatalogError, OSError) as error:
            logger.error("the report of %s could not be written: %s", self.root, error)
