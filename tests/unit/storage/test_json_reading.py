"""Arrays and lines are read one element at a time, even damaged ones."""

import io
from typing import Any

import pytest

from ptmtorrent_scrapy.storage.json_reading import elements, lines, value


def read(text: str | bytes) -> tuple[list[tuple[int, Any]], list[str]]:
    """Return (position, value) of the elements of an array, and the faults that were reported."""
    faults: list[str] = []
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    return [(each.position, each.value) for each in elements(file, faults.append)], faults


def test_elements_are_read() -> None:
    assert read('[\n{"a": 1},\n2\n]\n') == ([(0, {"a": 1}), (1, 2)], [])
    assert read("[\n]\n") == ([], [])


def test_elements_have_their_place_in_the_file() -> None:
    text = b'[\n{"a": 1},\n{"a":\n 2},\n{"b": 3}\n]\n'
    for element in elements(io.BytesIO(text), pytest.fail):
        piece = text[element.offset : element.offset + element.length]
        assert value(piece.rstrip(b"\n").removesuffix(b",")) == element.value


def test_elements_may_have_several_lines() -> None:
    assert read('[\n{\n  "a": [\n    {"x": 1},\n    2\n  ]\n},\n{\n  "a": "]}"\n}\n]\n') == (
        [(0, {"a": [{"x": 1}, 2]}), (1, {"a": "]}"})],
        [],
    )


def test_a_compact_array_may_have_an_element_of_several_lines() -> None:
    assert read('[\n{"a": 1},\n{\n"a": [\n1\n]},\n{"a": 3}\n]\n')[0] == [(0, {"a": 1}), (1, {"a": [1]}), (2, {"a": 3})]


@pytest.mark.parametrize("broken", ['{"a": 2', '{"a": "2', "{a: 2}", "]]]", '{"a": [[[[', "[" * 2000 + "]" * 2000])
def test_a_broken_element_costs_itself(broken: str) -> None:
    found, faults = read(f'[\n{{"a": 1}},\n{broken},\n{{"a": 3}}\n]\n')
    assert found == [(0, {"a": 1}), (2, {"a": 3})]
    assert faults == ["element 1 is not JSON"]


def test_a_missing_end_is_reported() -> None:
    assert read('[\n{"a": 1},\n{"a": 2}') == ([(0, {"a": 1}), (1, {"a": 2})], ["its end is missing"])


def test_an_array_that_somebody_has_formatted_is_read() -> None:
    assert read('[{"a": 1}, {"a": 2}]') == ([(0, {"a": 1}), (1, {"a": 2})], [])
    assert read('  [{"a":\n 1}]') == ([(0, {"a": 1})], [])


def test_a_file_without_an_array_is_reported() -> None:
    assert read('{"a": 1}') == ([], ["is not a JSON array"])
    assert read("") == ([], ["is not a JSON array"])
    assert read('[{"a": ') == ([], ["is not a JSON array with one element per line"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'"\ud800"', "\ufffd"),
        (rb'"\udc00x"', "\ufffdx"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\\ud800"', "\\ud800"),
        (rb'"\ud800\\ud800\ud83d\ude00"', "\ufffd\\ud800\U0001f600"),
        (b'"\xff"', "\ufffd"),
        (b"[1e999, -1e999, 1e9]", [None, None, 1e9]),
        (b'{"n": ' + b"1" * 5000 + b', "s": "1e999"}', {"n": None, "s": "1e999"}),
        (b'"\\u0000"', "\0"),
    ],
)
def test_invalid_text_and_numbers_are_replaced(text: bytes, expected: Any) -> None:
    assert value(text) == expected


def test_lines_that_are_no_objects_are_reported() -> None:
    faults: list[str] = []
    found = list(lines(io.BytesIO(b'{"a": 1}\nnothing\n[2]\n\n{"a": "\\ud800"}\n{"half'), faults.append))
    assert found == [(1, {"a": 1}), (5, {"a": "\ufffd"})]
    assert faults == [f"line {number} is not a JSON object" for number in (2, 3, 6)]
