"""Figures of a hub's crawls: when, how they ended, how the hub grew, how its answers changed."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ptmtorrent_scrapy.git.models import COMPLETE

SHOWN = 200  # crawls; earlier ones are counted
_TEXT = 500  # characters of a problem or an argument


@dataclass(frozen=True, kw_only=True)
class CrawlFigures:
    """One line of crawls.jsonl."""

    started: str
    ended: str | None
    version: str
    reason: str | None  # `finished`, or why it ended early
    problem: str | None
    arguments: dict[str, str]
    models: int | None
    records: int | None
    rejected: int
    clones: int
    bytes: int  # of git and large files of the repositories that it worked on
    schema_changes: list[tuple[str, int]]  # (difference from the hub's known schema, models)


@dataclass(frozen=True, kw_only=True)
class History:
    """The crawls of a hub."""

    total: int
    crawls: list[CrawlFigures]  # the latest, earliest first

    @property
    def last(self) -> CrawlFigures | None:
        return self.crawls[-1] if self.crawls else None


def history(lines: Iterable[dict[str, Any]]) -> History:
    """Return the figures of the lines of crawls.jsonl."""
    latest: deque[CrawlFigures] = deque(maxlen=SHOWN)
    total = 0
    for line in lines:
        latest.append(_crawl(line))
        total += 1
    return History(total=total, crawls=list(latest))


def _crawl(line: dict[str, Any]) -> CrawlFigures:
    counts = _object(line.get("counts"))
    arguments = _object(line.get("arguments"))
    return CrawlFigures(
        started=str(line["started"])[:40],
        ended=_text(line.get("ended"), 40),
        version=str(line.get("version"))[:40],
        reason=_text(line.get("reason"), 40),
        problem=_text(line.get("problem")),
        arguments={str(name)[:40]: str(value)[:_TEXT] for name, value in list(arguments.items())[:50]},
        models=_number(counts.get("models")),
        records=_number(counts.get("records")),
        rejected=sum(_numbers(counts.get("rejected")).values()),
        clones=_clones(_numbers(counts.get("repositories"))),
        bytes=(_number(counts.get("git_bytes")) or 0) + (_number(counts.get("lfs_bytes")) or 0),
        schema_changes=sorted(_numbers(counts.get("schema_changes")).items(), key=lambda item: -item[1])[:100],
    )


def _clones(statuses: dict[str, int]) -> int:
    return sum(statuses.get(status, 0) for status in COMPLETE)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any) -> dict[str, int]:
    return {name[:_TEXT]: number for name, number in _object(value).items() if isinstance(number, int)}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _text(value: Any, longest: int = _TEXT) -> str | None:
    return value[:longest] if isinstance(value, str) else None
