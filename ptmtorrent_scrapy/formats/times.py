"""Format spans of time for people."""

from ptmtorrent_scrapy.formats.counted import counted


def clock(seconds: float) -> str:
    """Return a time in hours, minutes and seconds.

    >>> clock(7.4), clock(192.4), clock(90_061)
    ('0:07', '3:12', '25:01:01')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(seconds: float) -> str:
    """Return how long ago something was.

    >>> ago(5), ago(61), ago(7_300), ago(200_000)
    ('just now', '1 minute ago', '2 hours ago', '2 days ago')
    """
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{counted(int(seconds // length), unit)} ago"
    return "just now"
