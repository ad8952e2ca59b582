"""Rates are taken over the last samples, and the summary fits a terminal."""

from collections.abc import Iterator

from ptmtorrent_scrapy.extensions.progress import Rate
from ptmtorrent_scrapy.formats.rows import row


def seconds() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 0.5


def test_a_rate_follows_the_last_samples() -> None:
    clock = seconds()
    rate = Rate(lambda: next(clock))
    assert rate.add(0) == 0.0
    assert [rate.add(10 * number) for number in range(1, 4)] == [20.0, 20.0, 20.0]
    for _ in range(100):
        last = rate.add(30)
    assert last == 0.0


def test_rows_of_the_summary_are_wrapped_and_printable() -> None:
    text = row("error", "a long reason " * 20 + "\x1b[2J")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
