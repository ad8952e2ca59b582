"""Repositories of Hugging Face, generated from a seed: any number of them, none kept in memory."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from tests.hubs.content import Repository

FIRST = datetime(2022, 3, 2, 23, 29, 4, tzinfo=UTC)  # the hub has no earlier dates
SORTS = ("createdAt", "downloads", "likes", "lastModified", "trendingScore")


class Generated:
    """Repositories of one kind, by their index, which is the order in which they were created."""

    words: tuple[str, ...]  # parts of their names

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed

    def __len__(self) -> int:
        return self.count

    def model(self, index: int) -> dict[str, Any]:
        """Return the API's object of a repository."""
        raise NotImplementedError

    def repository(self, index: int) -> Repository:
        """Return the content of a repository."""
        raise NotImplementedError

    def index(self, name: str) -> int | None:
        """Return the index of the repository with an id."""
        digits = name.rpartition("-")[2]
        if not digits.isdecimal() or int(digits) >= self.count:
            return None
        return int(digits) if self.name(int(digits)) == name else None

    def name(self, index: int) -> str:
        """Return the id of a repository; one in 97 has no namespace."""
        bits = self._bits(index)
        word = self.words[bits % len(self.words)]
        return f"{word}-{index}" if index % 97 == 5 else f"author{bits // 16 % 5000}/{word}-{index}"

    def is_removed(self, index: int) -> bool:
        """Return whether a repository was removed."""
        return False

    def renamed(self, name: str) -> str | None:
        """Return the present id of a repository with a previous id; None if there is none."""
        return None

    def trouble(self, index: int) -> str | None:
        """Return `gated`, `missing`, `empty` or an empty string."""
        return None

    def rank(self, index: int, sort: str) -> int:
        """Return the sort key of the listing: a count, or seconds since the first one."""
        kind = self._bits(index) >> 16
        match sort:
            case "downloads":
                return int(10 ** ((kind >> 12) % 1000 / 140)) - 1
            case "likes":
                return (kind >> 24) % 50
            case "lastModified":
                return 37 * index + kind % 300 * 86_400
            case "trendingScore":
                return (kind >> 24) % 50 if kind % 40 == 0 else 0
        return index

    def _bits(self, index: int) -> int:
        return _bits(self.seed, type(self).__name__, index)


@lru_cache(maxsize=4096)
def _bits(seed: int, kind: str, index: int) -> int:
    drawn = b"%d:%d" % (seed, index) if kind == "Models" else f"{seed}:{kind}:{index}".encode()
    return int.from_bytes(hashlib.blake2b(drawn, digest_size=32).digest(), "big")


def time(when: datetime) -> str:
    """Return a time in the hub's format."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def times(generated: Generated, index: int) -> dict[str, str]:
    """Return when a repository was created and last changed."""
    return {
        "createdAt": time(FIRST + timedelta(seconds=37 * index)),
        "lastModified": time(FIRST + timedelta(seconds=generated.rank(index, "lastModified"))),
    }
