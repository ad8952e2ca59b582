"""Trees of invalid repositories."""

import pytest

from ptmtorrent_scrapy.git.errors import Refused
from ptmtorrent_scrapy.git.size_limit import TreeOrder


@pytest.mark.parametrize(
    "paths", [["a", "a"], ["a", "a/b"], ["a", "a-b", "a.b", "a/b"], ["b", "a"], ["d/x", "d/x/y"], ["a/b", "a"]]
)
def test_a_path_that_is_twice_or_out_of_order(paths: list[str]) -> None:
    *sound, odd = paths
    order = TreeOrder()
    for path in sound:
        order.check(path.encode())
    with pytest.raises(Refused):
        order.check(odd.encode())


def test_a_sound_tree() -> None:
    order = TreeOrder()
    for path in ("a", "a-b", "a.txt", "ab/c", "b/a", "b/ab", "b/ab.c", "c/a/b", "\u00e4"):
        order.check(path.encode())
