"""Do work in a copy of this process, so that an export uses two processors."""

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
    """Return a context manager for the elements; they are made in a copy of this process if they have many bytes."""
    return ChildProcess(make) if size >= _LARGE else nullcontext(make())


class ChildProcess(Generic[T]):
    """Yields elements made by a copy of this process, which has the same open files; as a context it ends the copy.

    The copy makes the next element while one is processed, and waits until it is requested.
    """

    def __init__(self, make: Callable[[], Iterable[T]]) -> None:
        self._made, sending = _FORK.Pipe(duplex=False)
        _widen(sending)
        self._process = _FORK.Process(target=_send, args=(make, sending), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # about threads: the copy uses nothing that they hold
            self._process.start()
        sending.close()

    def __iter__(self) -> Iterator[T]:
        """Yield each element once it is made. Raise the errors of the copy."""
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
    """Send the elements, and None or an error at the end."""
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
    """Enlarge the buffer of a pipe if the system can, for fewer switches between the processes."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def _end_with_parent() -> None:
    """End this process when its parent ends, for whatever reason."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
