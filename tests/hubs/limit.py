"""The rate limit of Hugging Face's API, announced on every answer.

https://huggingface.co/docs/hub/rate-limits
"""

import time


class RateLimit:
    """A number of requests in windows of some seconds."""

    def __init__(self, quota: int, window: int) -> None:
        self.quota = quota
        self.window = window
        self._ends = 0.0
        self._left = quota

    def take(self) -> bool:
        """Count a request; return False if it is one too many."""
        if time.monotonic() >= self._ends:
            self._ends, self._left = time.monotonic() + self.window, self.quota
        self._left -= 1
        return self._left >= 0

    def headers(self) -> dict[str, str]:
        remaining = max(0, int(self._ends - time.monotonic()))
        return {
            "RateLimit": f'"api";r={max(0, self._left)};t={remaining}',
            "RateLimit-Policy": f'"fixed window";"api";q={self.quota};w={self.window}',
        }
