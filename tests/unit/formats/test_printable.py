"""Every output of the program is printable, whatever a hub sends."""

import ast
import contextlib
import io
import logging
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import ptmtorrent_scrapy
from ptmtorrent_scrapy.commands.diff import _text
from ptmtorrent_scrapy.doctor.result import OK, CheckResult
from ptmtorrent_scrapy.formats.printable import PrintableRecord, printable, show
from ptmtorrent_scrapy.verification.finding import Finding, Kind

_HOSTILE = st.text(st.sampled_from("a \x1b\x07\n\r\t\x9b\u202e\u2028\ud800ü%{}[]"), max_size=20)


def logged(message: str, *values: object, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = PrintableRecord("name", logging.ERROR, "file.py", 1, message, values, info)
    return logging.Formatter("%(message)s").format(record)


def shown(value: object) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        show(value)
    return out.getvalue().removesuffix("\n")


@given(_HOSTILE)
def test_each_output_is_one_printable_line(text: str) -> None:
    change = {"what": "changed", "model": text, "fields": {"ModelTask": [text, text]}, "others": [text]}
    finding = Finding(hub="hub", kind=Kind.STRAY, path=text, detail=text)
    outputs = [
        printable(text),
        shown(text),
        shown(CheckResult("check", OK, text, text)),
        str(finding),
        shown(_text(change, "hub")),
        logged("%s is %r of %d", text, text, 3),
        logged("%(model)s", {"model": text}),
        logged("%s", ValueError(text)),
    ]
    assert all(output.isprintable() for output in outputs), outputs


@given(_HOSTILE)
def test_what_an_error_says_is_one_line_of_its_traceback(text: str) -> None:
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise KeyError(text) from error
    except KeyError as error:
        lines = logged("a fault", error=error).split("\n")
    assert all(line.isprintable() for line in lines)
    assert [line for line in lines if line.startswith(("ValueError", "KeyError"))] == [
        f"ValueError: {printable(text)}" if text else "ValueError",
        f"KeyError: {printable(repr(text))}",
    ]


def test_commands_print_by_show_alone() -> None:
    for path in (Path(ptmtorrent_scrapy.__file__).parent / "commands").glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [each for each in calls if isinstance(each, ast.Name) and each.id == "print"], path
