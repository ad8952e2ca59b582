"""Estimate bytes and time of a crawl from the known sizes of some repositories."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.sizes import human

_RESAMPLES = 1000
_PERCENT = 2.5  # cut off at either end, for the 95 % interval
_RATES = {"an assumed rate": 10_000_000, "on a fast connection": 100_000_000}  # bytes per second, if none is known


@dataclass(frozen=True)
class Estimate:
    """Estimated bytes, with their 95 % confidence interval."""

    bytes: int
    low: int
    high: int

    def __str__(self) -> str:
        if self.low == self.high:
            return human(self.bytes)
        return f"{human(self.bytes)} ({human(self.low)} to {human(self.high)})"


class Sampled(NamedTuple):
    """Repositories of unknown size, and the bytes of a sample of them."""

    number: int
    sample: Sequence[int]


def estimate(known: int, strata: Sequence[Sampled]) -> Estimate:
    """Return the bytes of repositories: `known`, and an estimate for strata with samples.

    The interval is that of bootstrap resampling (Efron 1979): sizes of repositories are far from normally distributed.
    A stratum without a sample counts as the others do.

    >>> estimate(100, [Sampled(5, [10, 10]), Sampled(1, [30])])
    Estimate(bytes=180, low=180, high=180)
    """
    sampled = [stratum for stratum in strata if stratum.sample]
    if not sampled:
        return Estimate(known, known, known)
    scale = sum(each.number for each in strata) / sum(each.number for each in sampled)
    draw = random.Random(0)  # noqa: S311 - the same estimate for the same sample
    totals = sorted(sum(_resampled(each, draw) for each in sampled) for _ in range(_RESAMPLES))
    cut = int(_RESAMPLES * _PERCENT / 100)
    total = sum(each.number * sum(each.sample) / len(each.sample) for each in sampled)
    return Estimate(*(known + round(value * scale) for value in (total, totals[cut], totals[-1 - cut])))


def _resampled(stratum: Sampled, draw: random.Random) -> float:
    """Return the bytes of a stratum from a sample of its sample; a completely known stratum is not resampled."""
    sample, size = stratum.sample, len(stratum.sample)
    if size == stratum.number:
        return float(sum(sample))
    return stratum.number * sum(draw.choices(sample, k=size)) / size


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The estimate of what a crawl takes."""

    hub: str
    models: int
    selected: int  # models
    repositories: int  # to clone
    moved: int  # clones whose commit has moved, or that are damaged
    incomplete: int  # clones at the hub's commit that lack large files
    current: int  # clones with nothing to do
    unsure: int  # clones whose commit the hub does not give
    unavailable: int  # known to be gated, missing or empty
    known: int  # of those to clone: how many sizes the hub gives
    sampled: int  # how many sizes were looked up
    unreachable: int  # how many sizes could not be looked up
    need: Estimate
    free: int  # bytes on the disk, without those that are to stay free
    rates: Mapping[str, int] = field(default_factory=dict)  # bytes per second by their source

    @property
    def fits(self) -> str:
        """Return whether the disk holds it: yes, no or maybe."""
        if self.need.high <= self.free:
            return "yes"
        return "no" if self.need.low > self.free else "maybe"

    def to_json(self) -> dict[str, object]:
        """Return the plan as a JSON object, with bytes and seconds."""
        seconds = {source: round(self.need.bytes / rate) for source, rate in self.rates.items()}
        return {**asdict(self), "fits": self.fits, "seconds": seconds}

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield rows for people, as (name, text)."""
        yield "models", f"{self.models:,} listed, {self.selected:,} selected"
        yield (
            "repositories",
            f"{self.repositories:,} to clone, {self.moved:,} to update, {self.incomplete:,} to complete",
        )
        yield "up to date", f"{self.current:,}"
        if self.unsure:
            yield "to ask", f"{self.unsure:,} whose commit the hub does not give"
        if self.unavailable:
            yield "unavailable", f"{self.unavailable:,} known to be gated, missing or empty"
        if not self.repositories:
            return
        yield "bytes", f"{self.need}: {self._source()}"
        for source, rate in self.rates.items():
            spans = [span(each / rate) for each in (self.need.low, self.need.high)]
            yield "time", f"{' to '.join(dict.fromkeys(spans))} at {human(rate)}/s, {source}"
        word = {"yes": "it fits", "no": "it does not fit", "maybe": "it may not fit"}[self.fits]
        yield "disk", f"{human(self.free)} available: {word}"

    def _source(self) -> str:
        unknown = self.repositories - self.known
        sources = [f"{self.known:,} as the hub says"] if self.known or not unknown else []
        if unknown:
            lost = f", {self.unreachable:,} more of unknown size" if self.unreachable else ""
            sources.append(f"{unknown:,} from a sample of {self.sampled:,}{lost}")
        return "; ".join(sources)


def rates(given: int | None, before: Sequence[tuple[int, float]], concurrency: int) -> dict[str, int]:
    """Return bytes per second by source: the user, (bytes, seconds) of earlier clones, or two assumptions."""
    if given:
        return {"as given": given}
    size, seconds = sum(each[0] for each in before), sum(each[1] for each in before)
    if size and seconds:
        return {f"the rate of {counted(len(before), 'earlier clone')}": max(1, round(size / seconds * concurrency))}
    return _RATES


def span(seconds: float) -> str:
    """Return a time as text for people.

    >>> span(30), span(5400), span(200_000)
    ('1 min', '1 h 30 min', '2 d 7 h')
    """
    minutes = max(1, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days:,} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
