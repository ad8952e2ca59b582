"""Work that a copy of this process does, so that an export has two processors."""

import fcntl
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_FORK = multiprocessing.get_context("fork")

_PIPE = 1 << 20  # bytes
_LARGE = 4 << 20  # bytes; a copy of this process takes as long as reading a tenth of them


def in_child_process(make: Callable[[], Iterable[T]], size: int) -> AbstractContextManager[Iterable[T]]:
    """Return a context that gives what is made of so many bytes, by a copy of this process if they are many."""
    return ChildProcess(make) if size >= _LARGE else nullcontext(make())


class ChildProcess(Generic[T]):
    """Yields what a copy of this process makes, which has the same open files; as a context it ends the copy.

    The copy makes the next element while one is worked on, and waits until that is asked for.
    """

    def __init__(self, make: Callable[[], Iterable[T]]) -> None:
        self._made, sending = _FORK.Pipe(duplex=False)
        _widen(sending)
        self._process = _FORK.Process(target=_send, args=(make, sending), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the copy uses nothing that they hold
            self._process.start()
        sending.close()

    def __iter__(self) -> Iterator[T]:
        """Yield each element, once it is made. Raise what making it raised."""
        while (found := self._next()) is not None:
            if isinstance(found, Exception):
                raise found
            yield found

    def _next(self) -> T | Exception | None:
        try:
            found: T | Exception | None = self._made.recv()
        except EOFError:
            raise ChildProcessError("a process of the export was ended") from None
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._made.close()


def _send(make: Callable[[], Iterable[object]], sending: "Connection[object, object]") -> None:
    """Send what is made, and None or an error at the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(BrokenPipeError):  # the other process was killed
        try:
            for each in make():
                sending.send(each)
            sending.send(None)
        except Exception as error:
            sending.send(error)


def _widen(sending: "Connection[object, object]") -> None:
    """Let a pipe hold more, where the system can, so that fewer changes between the processes are needed."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def _end_with_parent() -> None:
    """End this process when its parent ends, however that does."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
