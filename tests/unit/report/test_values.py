"""Counting uses limited memory, and reports when it is not exact."""

from ptmtorrent_scrapy.report.values import Values


def test_rare_values_are_forgotten_beyond_the_limit() -> None:
    values = Values("ModelOwner", limit=10)
    for number in range(1000):
        values.add("frequent")
        values.add(f"rare {number}")
    top = values.top(1)
    assert top.values == [("frequent", 1000)]
    assert not top.is_exact
    assert top.distinct <= 21
    assert top.others == 1000


def test_values_are_cut_to_a_length() -> None:
    values = Values("ModelTask")
    values.add("x" * 10_000)
    assert len(values.top().values[0][0]) == 300
