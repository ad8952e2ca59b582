"""Bars show a rate and the remaining time, even if the total is estimated repeatedly."""

import contextlib
import os
import pty
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ptmtorrent_scrapy.commands._progress import bars


def everything(terminal: int) -> bytes:
    """Return what is written to a terminal until its other end is closed."""
    shown = b""
    with contextlib.suppress(OSError):  # it was closed
        while piece := os.read(terminal, 4096):
            shown += piece
    return shown


def test_an_estimated_total_has_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor(1) as pool:
        shown = pool.submit(everything, ours)
        with os.fdopen(theirs, "w") as stderr:
            monkeypatch.setattr(sys, "stderr", stderr)
            with bars() as advance:
                advance("nothing", 0, 0)
                for step in range(1, 100):
                    advance("models", step * 500, 60_000 + step)
            monkeypatch.undo()
        text = shown.result().decode()
    os.close(ours)
    assert "49,500 of 60,099" in text
    assert "/s" in text
    assert "-:--:--" not in text.rpartition("49,500 of 60,099")[2]
    assert "nothing" not in text
