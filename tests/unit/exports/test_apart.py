"""A copy of the process does a part of an export."""

import errno
import os
import signal

import pytest

from ptmtorrent_scrapy.exports.apart import Apart


def test_what_a_function_returns_comes_back() -> None:
    with Apart(os.getpid) as apart:
        assert apart.result() != os.getpid()


def test_what_a_function_raises_is_raised() -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "file")

    with Apart(full) as apart, pytest.raises(OSError, match="No space left on device") as raised:
        apart.result()
    assert raised.value.filename == "file"


def test_a_process_that_is_ended_is_an_error() -> None:
    with Apart(lambda: os.kill(os.getpid(), signal.SIGKILL)) as apart, pytest.raises(RuntimeError, match="was ended"):
        apart.result()


def test_it_ends_with_the_block() -> None:
    reading, writing = os.pipe()
    with Apart(signal.pause):
        os.close(writing)  # the copy has it open
    assert os.read(reading, 1) == b""
    os.close(reading)
