"""What a crawl will take: estimates from what is known of some repositories."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from ptmtorrent_scrapy.formats.sizes import human

_RESAMPLES = 1000
_PERCENT = 2.5  # cut off at either end: what is left is the 95 % interval
_RATES = {"a guess": 10_000_000, "if the line is fast": 100_000_000}  # bytes a second, where none is known


@dataclass(frozen=True)
class Estimate:
    """Bytes, and between what they are in 95 of 100 cases."""

    bytes: int
    low: int
    high: int

    def __str__(self) -> str:
        if self.low == self.high:
            return human(self.bytes)
        return f"{human(self.bytes)} ({human(self.low)} to {human(self.high)})"


def estimate(known: int, sample: Sequence[int], unknown: int) -> Estimate:
    """Bytes of repositories of which `known` is told, and `unknown` more of which a sample has these.

    The interval is that of bootstrap resampling (Efron 1979): sizes of repositories are far from normally distributed.

    >>> estimate(100, [10, 10], 5)
    Estimate(bytes=150, low=150, high=150)
    """
    if not sample or not unknown:
        return Estimate(known, known, known)
    if len(sample) == unknown:
        total = known + sum(sample)
        return Estimate(total, total, total)
    draw = random.Random(0)  # noqa: S311 - the same estimate for the same sample
    means = sorted(sum(draw.choices(sample, k=len(sample))) / len(sample) for _ in range(_RESAMPLES))
    cut = int(_RESAMPLES * _PERCENT / 100)
    mean, low, high = sum(sample) / len(sample), means[cut], means[-1 - cut]
    return Estimate(*(known + round(value * unknown) for value in (mean, low, high)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a crawl will take."""

    hub: str
    models: int
    selected: int  # models
    repositories: int  # to clone
    moved: int  # that stand, and of which the hub tells another commit
    current: int  # that stand, and of which nothing is asked
    unsure: int  # that stand, and of which the hub tells no commit
    told: int  # of those to clone: how many sizes the hub tells
    sampled: int  # how many were looked at
    unreachable: int  # how many could not be looked at
    need: Estimate
    free: int  # bytes on the disk, without those that are to stay free
    rates: Mapping[str, int] = field(default_factory=dict)  # bytes a second, and where that is from

    @property
    def fits(self) -> str:
        """Whether the disk holds it: yes, no or maybe."""
        if self.need.high <= self.free:
            return "yes"
        return "no" if self.need.low > self.free else "maybe"

    def to_json(self) -> dict[str, object]:
        """As a JSON object: bytes, seconds."""
        seconds = {source: round(self.need.bytes / rate) for source, rate in self.rates.items()}
        return {**asdict(self), "fits": self.fits, "seconds": seconds}

    def lines(self) -> Iterator[tuple[str, str]]:
        """For people: (what, how much)."""
        yield "models", f"{self.models:,}, of which {self.selected:,} are selected"
        stand = f"{self.current:,} stand as they should, {self.moved:,} stand and have moved"
        unsure = f", {self.unsure:,} stand and are asked for their commit" if self.unsure else ""
        yield "repositories", f"{self.repositories:,} to clone; {stand}{unsure}"
        yield "bytes", f"{self.need}: {self._source()}"
        for source, rate in self.rates.items():
            spans = [span(each / rate) for each in (self.need.low, self.need.high)]
            yield "time", f"{' to '.join(dict.fromkeys(spans))} at {human(rate)}/s, {source}"
        word = {"yes": "it fits", "no": "it does not fit", "maybe": "it may not fit"}[self.fits]
        yield "disk", f"{human(self.free)} may be used: {word}"

    def _source(self) -> str:
        unknown = self.repositories - self.told
        sources = [f"{self.told:,} as the hub tells"] if self.told or not unknown else []
        if unknown:
            lost = f", {self.unreachable:,} more could not be looked at" if self.unreachable else ""
            sources.append(f"{unknown:,} by a sample of {self.sampled:,}{lost}")
        return "; ".join(sources)


def rates(given: int | None, before: Sequence[tuple[int, float]], concurrency: int) -> dict[str, int]:
    """Bytes a second by where that is from: the user, else (bytes, seconds) of former clones, else two guesses."""
    if given:
        return {"as given": given}
    size, seconds = sum(each[0] for each in before), sum(each[1] for each in before)
    if size and seconds:
        return {f"as {len(before):,} clones before": max(1, round(size / seconds * concurrency))}
    return _RATES


def span(seconds: float) -> str:
    """A time for people.

    >>> span(30), span(5400), span(200_000)
    ('1 min', '1 h 30 min', '2 d 7 h')
    """
    minutes = max(1, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days:,} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
