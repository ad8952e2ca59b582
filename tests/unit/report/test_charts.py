"""Charts stay within their frame, and their description gives the numbers."""

from datetime import UTC, datetime, timedelta

from ptmtorrent_scrapy.report.charts import BOTTOM, LEFT, RIGHT, TOP, line_chart


def test_points_lie_within_the_frame() -> None:
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in (0, 1, 10)]
    chart = line_chart("Models", times, [("models", [0, 150, 300]), ("records", [None, 100, 290])])
    models, records = chart.series
    assert models.marks == [(LEFT, BOTTOM), (80.0, 94.0), (RIGHT, TOP)]
    assert len(records.marks) == 2
    assert (chart.first, chart.last) == ("2026-01-01", "2026-01-11")
    assert [tick.text for tick in chart.ticks] == ["0", "150", "300"]
    assert chart.description == "models: from 0 to 300; records: from 100 to 290."


def test_one_moment_and_zeros_make_a_chart() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    chart = line_chart("Models", [moment, moment], [("models", [0, 0])])
    assert (chart.first, chart.last) == ("2026-01-01 00:00", "2026-01-01 00:00")
    assert chart.series[0].points == f"{LEFT}.0,{BOTTOM}.0 {LEFT}.0,{BOTTOM}.0"
