"""Time to wait before a retry."""

LONGEST = 3600.0  # seconds


def backoff(first: float, failures: int, *, longest: float = LONGEST) -> float:
    """Return the seconds to wait after a number of failures: `first`, then twice as long each time, to `longest`.

    >>> [backoff(1, failures) for failures in (0, 1, 2, 3, 999)]
    [1.0, 2.0, 4.0, 8.0, 3600.0]
    """
    return min(first * 2.0 ** min(failures, 60), longest)
