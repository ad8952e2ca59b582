"""A copy of the process does part of an export."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ptmtorrent_scrapy.exports.child_process import ChildProcess

_ORPHAN = """
import os, signal
from ptmtorrent_scrapy.exports.child_process import ChildProcess
with ChildProcess(signal.pause):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_elements_of_the_function_are_yielded() -> None:
    with ChildProcess(lambda: [os.getpid(), 2]) as child:
        first, second = child
        assert first != os.getpid()
        assert second == 2


def test_what_a_function_raises_is_raised() -> None:
    def full() -> Iterator[int]:
        yield 1
        raise OSError(errno.ENOSPC, "No space left on device", "file")

    with ChildProcess(full) as child:
        elements = iter(child)
        assert next(elements) == 1
        with pytest.raises(OSError, match="No space left on device") as raised:
            next(elements)
    assert raised.value.filename == "file"


def test_a_process_that_is_ended_is_an_error() -> None:
    with (
        ChildProcess(lambda: iter(lambda: os.kill(os.getpid(), signal.SIGKILL), 1)) as child,
        pytest.raises(ChildProcessError, match="was ended"),
    ):
        list(child)


def test_it_ends_with_the_block() -> None:
    reading, writing = os.pipe()
    with ChildProcess(lambda: iter(signal.pause, 1)):
        os.close(writing)  # the copy has it open
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_it_ends_with_a_process_that_is_killed() -> None:
    reading, writing = os.pipe()
    done = subprocess.run([sys.executable, "-c", _ORPHAN], pass_fds=[writing], check=False)
    os.close(writing)
    assert done.returncode == -signal.SIGKILL
    assert os.read(reading, 1) == b""  # when the copy, too, has closed it
    os.close(reading)
