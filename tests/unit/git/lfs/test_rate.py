"""The least rate of a download."""

import pytest

from ptmtorrent_scrapy.git.errors import TooSlow
from ptmtorrent_scrapy.git.lfs.rate import LeastRate, window


def test_a_transfer_that_is_too_slow() -> None:
    rate = LeastRate(10**12, 0)
    with pytest.raises(TooSlow, match="less than 1000000000000 bytes per second"):
        rate.count(1)


def test_a_transfer_that_is_fast_enough() -> None:
    rate = LeastRate(0, 0)
    for _ in range(10):
        rate.count(1)


def test_the_window_is_no_longer_than_a_clone_may_be_without_progress() -> None:
    assert (window(3600), window(20)) == (300, 20)
