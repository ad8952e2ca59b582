"""`Retry-After`: the pause that a server demands (RFC 9110, 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 3600.0  # seconds; longer pauses are not believed


def seconds(retry_after: str) -> float | None:
    """Return the seconds of the header, a number or a date; None if it is neither, or the date has passed.

    >>> seconds(" 12 "), seconds("Thu, 01 Jan 1970 00:00:00 GMT"), seconds("soon")
    (12.0, None, None)
    """
    text = retry_after.strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return min(float(text), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    left = (until - datetime.now(UTC)).total_seconds()
    return min(left, LONGEST_PAUSE) if left > 0 else None
