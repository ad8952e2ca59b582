"""Work that a copy of this process does, so that an export has two processors."""

import os
import pickle
import signal
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Generic, NoReturn, Self, TypeVar

T = TypeVar("T")


class Apart(Generic[T]):
    """Calls a function in a copy of this process, which has the same open files; as a context it ends the copy."""

    def __init__(self, function: Callable[[], T]) -> None:
        reading, writing = os.pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the copy uses nothing that they hold
            self._process = os.fork()
        if not self._process:
            os.close(reading)
            _call(function, writing, parent)
        os.close(writing)
        self._answer = open(reading, "rb")  # noqa: SIM115 - closed with the context

    def result(self) -> T:
        """Return what the function returned, once it has. Raise what it raised."""
        text = self._answer.read()
        if not text:
            raise RuntimeError("a process of the export was ended")
        found: T | Exception = pickle.loads(text)  # noqa: S301 - of our own process
        if isinstance(found, Exception):
            raise found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer.close()
        os.kill(self._process, signal.SIGKILL)  # no other process can have its number before it is waited for
        os.waitpid(self._process, 0)


def _call(function: Callable[[], object], writing: int, parent: int) -> NoReturn:
    """Answer with what a function returns or raises, and end without what the other process does at its end."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
        signal.signal(signal.SIGALRM, lambda *_: None if os.getppid() == parent else os._exit(1))
        signal.setitimer(signal.ITIMER_REAL, 1, 1)
        try:
            found = function()
        except Exception as error:
            found = error
        with open(writing, "wb") as answer:
            pickle.dump(found, answer)
        status = 0
    finally:
        os._exit(status)
