"""Run a function for many inputs at once, and return the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered(pool: Executor, function: Callable[[T], R], things: Iterable[T], ahead: int) -> Iterator[R]:
    """Yield the result for each input in order, while up to `ahead` inputs are processed."""
    rest = iter(things)
    under_way: deque[Future[R]] = deque(pool.submit(function, each) for each in islice(rest, ahead))
    try:
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(pool.submit(function, each) for each in islice(rest, 1))
            yield result
    finally:
        for future in under_way:
            future.cancel()
