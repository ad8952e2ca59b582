"""Count values from hubs, in memory that does not grow with the hub."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

MAX_DISTINCT = 200_000  # values to count; if there are more, the rarest are dropped
MAX_LENGTH = 300  # characters of a value
SHOWN = 15


@dataclass(frozen=True, kw_only=True)
class Top:
    """The most frequent values of a field."""

    field: str
    values: list[tuple[str, int]]  # (value, models), most frequent first
    distinct: int  # values that were counted
    others: int  # models with a value that is not among `values`; one with several values may count more than once
    without: int  # models without a value
    is_exact: bool  # False if rare values were dropped: numbers are then lower bounds


class Values:
    """Counts the values of a field over all models."""

    def __init__(self, field: str, limit: int = MAX_DISTINCT) -> None:
        self.field = field
        self.without = 0
        self._limit = limit
        self._forgotten = 0
        self._counts: Counter[str] = Counter()

    def add(self, value: Any) -> None:
        """Count one model's value: a text, several texts, or nothing.

        >>> tasks = Values("ModelTask")
        >>> for value in ("ner", ["ner", "translation"], None): tasks.add(value)
        >>> tasks.top().values, tasks.without
        ([('ner', 2), ('translation', 1)], 1)
        """
        if not value:
            self.without += 1
        elif isinstance(value, str):
            self._counts[value[:MAX_LENGTH]] += 1
        elif isinstance(value, list):
            self._counts.update(each[:MAX_LENGTH] for each in value if isinstance(each, str))
        if len(self._counts) > 2 * self._limit:
            self._forget()

    def _forget(self) -> None:
        """Keep only the most frequent values so far."""
        total = self._counts.total()
        self._counts = Counter(dict(self._counts.most_common(self._limit)))
        self._forgotten += total - self._counts.total()

    def top(self, shown: int = SHOWN) -> Top:
        """Return the most frequent values, equally frequent ones in alphabetical order."""
        values = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:shown]
        return Top(
            field=self.field,
            values=values,
            distinct=len(self._counts),
            others=self._counts.total() + self._forgotten - sum(count for _, count in values),
            without=self.without,
            is_exact=not self._forgotten,
        )


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Models whose number of downloads has the same number of digits."""

    least: int
    most: int
    models: int
    downloads: int


class Downloads:
    """Counts models by their downloads: none, 1 to 9, 10 to 99, ..."""

    def __init__(self) -> None:
        self._models: Counter[int] = Counter()
        self._downloads: Counter[int] = Counter()

    def add(self, downloads: Any) -> None:
        if isinstance(downloads, int) and 0 <= downloads < 10**18:
            digits = len(str(downloads)) if downloads else 0
            self._models[digits] += 1
            self._downloads[digits] += downloads

    def bins(self) -> list[Bin]:
        """Return all bins up to the last that has a model.

        >>> downloads = Downloads()
        >>> for number in (0, 5, 120): downloads.add(number)
        >>> [(bin.least, bin.most, bin.models) for bin in downloads.bins()]
        [(0, 0, 1), (1, 9, 1), (10, 99, 0), (100, 999, 1)]
        """
        return [
            Bin(
                least=10 ** (digits - 1) if digits else 0,
                most=10**digits - 1,
                models=self._models[digits],
                downloads=self._downloads[digits],
            )
            for digits in range(max(self._models, default=-1) + 1)
        ]
