"""Runs a function on many things at once, and returns the results in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered(pool: Executor, function: Callable[[T], R], things: Iterable[T], ahead: int) -> Iterator[R]:
    """Yield the result for each thing in order, while up to `ahead` of them are worked on."""
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
