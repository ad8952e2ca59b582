"""Compute line charts: the positions of lines, ticks and labels in an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 50, 350, 24, 164
_STYLES = ("first", "second")
_MARKED = 60  # points with markers; a longer line has none


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A horizontal line with its number."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line of the chart."""

    name: str
    style: str
    points: str  # in the form of SVG's polyline
    marks: list[tuple[float, float]]
    key: int  # where its name is


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Numbers over time."""

    title: str
    description: str
    first: str  # date; with the time, if the last is of the same day
    last: str
    ticks: list[Tick]
    series: list[Series]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


def line_chart(title: str, times: Sequence[datetime], lines: Sequence[tuple[str, Sequence[int | None]]]) -> LineChart:
    """Return the chart of up to two lines: name and a number (or None) per time."""
    top = _round_up(max((value for _, values in lines for value in values if value), default=1))
    begin, span = times[0], (times[-1] - times[0]).total_seconds() or 1

    def place(time: datetime, value: int) -> tuple[float, float]:
        x = LEFT + (time - begin).total_seconds() / span * (RIGHT - LEFT)
        return round(x, 1), round(BOTTOM - value / top * (BOTTOM - TOP), 1)

    series = []
    for number, (name, values) in enumerate(lines):
        places = [place(time, value) for time, value in zip(times, values, strict=True) if value is not None]
        points = " ".join(f"{x},{y}" for x, y in places)
        marks = places if len(places) <= _MARKED else []
        key = LEFT + number * (RIGHT - LEFT) // 2
        series.append(Series(name=name, style=_STYLES[number], points=points, marks=marks, key=key))
    day = "%Y-%m-%d" if times[0].date() != times[-1].date() else "%Y-%m-%d %H:%M"
    return LineChart(
        title=title,
        description="; ".join(_range_in_words(name, values) for name, values in lines) + ".",
        first=f"{times[0]:{day}}",
        last=f"{times[-1]:{day}}",
        ticks=[Tick(at=BOTTOM - share * (BOTTOM - TOP), text=short(round(top * share))) for share in (0, 0.5, 1)],
        series=series,
    )


def _range_in_words(name: str, values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{name}: from {known[0]:,} to {known[-1]:,}" if known else f"{name}: not known"


def _round_up(value: int) -> int:
    """Round up to a digit and zeros.

    >>> _round_up(1234), _round_up(7)
    (2000, 7)
    """
    power: int = 10 ** (len(str(value)) - 1)
    return -(-value // power) * power


def short(value: int) -> str:
    """Return a number as a short text.

    >>> short(950), short(1500), short(3_000_000)
    ('950', '1.5k', '3M')
    """
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 1000)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return str(value)
