"""Standard streams that are closed."""

import os
import subprocess
import sys

import pytest

_PROGRAM = (
    "import os, sys\n"
    "from ptmtorrent_scrapy.storage.streams import open_missing\n"
    "open_missing()\n"
    "numbers = [sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno()]\n"
    "print('shown', file=sys.stderr)\n"
    "sys.exit(0 if numbers == [0, 1, 2] and os.open(os.devnull, os.O_RDONLY) > 2 and not sys.stderr.isatty() else 1)\n"
)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2), ()])
def test_closed_streams_are_the_null_device(closed: tuple[int, ...]) -> None:
    def close() -> None:
        for number in closed:
            os.close(number)

    program = [sys.executable, "-c", _PROGRAM]
    assert subprocess.run(program, preexec_fn=close, check=False).returncode == 0
