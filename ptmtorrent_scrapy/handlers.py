"""How Scrapy reads files."""

from pathlib import Path

from scrapy.core.downloader.handlers.file import FileDownloadHandler
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Request, Response
from w3lib.url import file_uri_to_path


class FileHandler(FileDownloadHandler):
    """Scrapy's own, which knows no DOWNLOAD_MAXSIZE: what lies in a clone is as hostile as an answer."""

    async def download_request(self, request: Request) -> Response:
        largest = request.meta.get("download_maxsize", self.crawler.settings.getint("DOWNLOAD_MAXSIZE"))
        size = Path(file_uri_to_path(request.url)).stat().st_size
        if size > largest:
            raise DownloadCancelledError(f"{size} bytes are more than the {largest} that such a page can have")
        return await super().download_request(request)
