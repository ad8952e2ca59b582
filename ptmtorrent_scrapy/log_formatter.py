"""What Scrapy logs of single items: nothing. Three million lines tell less than the summary."""

from typing import Any

import scrapy.logformatter


class LogFormatter(scrapy.logformatter.LogFormatter):
    """Scrapy's own, but for items."""

    def scraped(self, *args: Any) -> None:  # type: ignore[override]
        return None

    def dropped(self, *args: Any) -> None:  # type: ignore[override]
        return None
