"""Parse long texts in another process, with a limit of time."""

import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")

SECONDS = 30  # of the processor
_ENDED = (-signal.SIGXCPU, -signal.SIGKILL)
_WORK = "from ptmtorrent_scrapy.parsers.limited import work; work()"


class TooSlow(Exception):
    """Parsing a text takes longer than the limit; the message gives the limit."""


def limited(function: Callable[..., T], *values: Any, seconds: int = SECONDS) -> T:
    """Return the result of a module's function for picklable values. Raise `TooSlow`, and its `ValueError`.

    It takes half a second more than a call, for the process to start.
    """
    done = subprocess.run(
        [sys.executable, "-c", _WORK, str(seconds)],
        input=pickle.dumps((function, values)),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    if done.returncode in _ENDED:
        raise TooSlow(f"takes more than {seconds} seconds to read")
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace")[-2000:])
    result, error = pickle.loads(done.stdout)  # noqa: S301 - of our own process
    if error is not None:
        raise error
    return cast(T, result)


def work() -> None:
    """Call the function that `limited` sends on stdin, within the seconds given on the command line."""
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    function, values = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own process
    sys.stdout.buffer.write(pickle.dumps(_called(function, values)))


def _called(function: Callable[..., T], values: tuple[Any, ...]) -> tuple[T | None, ValueError | None]:
    """Return the result of a function, or the error that it raises."""
    try:
        return function(*values), None
    except ValueError as error:
        return None, error
