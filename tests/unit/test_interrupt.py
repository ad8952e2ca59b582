"""Ctrl-C while a command starts."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("error", "last"), [("KeyboardInterrupt", "stopped by you"), ("ValueError(1)", "ValueError: 1")]
)
def test_ctrl_c_is_one_line(error: str, last: str) -> None:
    program = f"import ptmtorrent_scrapy.settings\nraise {error}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    lines = ended.stderr.splitlines()
    assert (ended.returncode != 0, lines[-1]) == (True, last)
    assert ("Traceback" in ended.stderr, len(lines) > 1) == (last != "stopped by you",) * 2
