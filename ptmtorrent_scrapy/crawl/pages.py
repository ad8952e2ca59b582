"""Pages that could not be fetched, and why."""

import json
from traceback import clear_frames

from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError
from scrapy.http import Response
from scrapy.utils._compression import _DecompressionMaxSizeExceeded

from ptmtorrent_scrapy.formats.printable import printable

_OUTDATED = (400, 404, 410, 422)  # for a page whose URL the hub gave earlier
_TOO_LARGE = (504,)
_GONE = (404, 410)
_QUOTED = 200  # characters of a server's message


class PageFailed(Exception):
    """A page could not be fetched; the message says why, in one line."""

    def __init__(
        self, why: str, *, is_outdated: bool = False, is_too_large: bool = False, response: Response | None = None
    ) -> None:
        super().__init__(why)
        self.response = response
        self.is_outdated = is_outdated  # the listing cannot continue from there later either
        self.is_too_large = is_too_large  # a smaller page may succeed

    @property
    def is_permanent(self) -> bool:
        """Return whether the server says that the page does not exist."""
        return self.response is not None and self.response.status in _GONE


def failed(error: BaseException) -> PageFailed:
    """Return the `PageFailed` for an error of the download."""
    if isinstance(error, PageFailed):
        return error
    if isinstance(error.__cause__, _DecompressionMaxSizeExceeded):
        clear_frames(
            error.__cause__.__traceback__
        )  # its frames hold the unpacked answer while smaller pages are requested
        return PageFailed("its answer is larger than DOWNLOAD_MAXSIZE", is_too_large=True)
    is_too_large = isinstance(error, DownloadTimeoutError) or type(error) is DownloadCancelledError
    return PageFailed(" ".join((str(error) or type(error).__name__).split()), is_too_large=is_too_large)


def refused(response: Response, *, token_setting: str, has_token: bool) -> PageFailed:
    """Return the `PageFailed` for an answer with an error status: status, the server's message, and what to check."""
    why = f"HTTP status {response.status}"
    if message := _message(response):
        why += f" ({message})"
    if 300 <= response.status < 400:
        location = (response.headers.get("Location") or b"").decode("utf-8", "replace")
        why += f"; it leads to {printable(location)[:_QUOTED] or 'nowhere'}, which is not followed"
    if response.status in (401, 403) and token_setting:
        why += f"; check {token_setting}" if has_token else f"; it may need a token: set {token_setting}"
    is_outdated, is_too_large = response.status in _OUTDATED, response.status in _TOO_LARGE
    return PageFailed(why, is_outdated=is_outdated, is_too_large=is_too_large, response=response)


def _message(response: Response) -> str:
    """Return the server's message about the error."""
    header = response.headers.get("X-Error-Message")
    message = header.decode("utf-8", "replace") if header else ""
    if not message:
        try:
            value = json.loads(response.body[:10_000])
        except (ValueError, RecursionError):
            return ""
        message = value["error"] if isinstance(value, dict) and isinstance(value.get("error"), str) else ""
    return printable(" ".join(message.split()))[:_QUOTED]
