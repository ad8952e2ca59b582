"""`Retry-After`: how long a server wants to be left alone (RFC 9110, 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 3600.0  # seconds; a server is not believed that asks for more


def seconds(retry_after: str) -> float | None:
    """Return the seconds that the header asks for, by a number or a date; None if it is neither, or the date is over.

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
