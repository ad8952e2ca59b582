"""Move bytes through the pipes of a running command, and end it if it makes no progress."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from typing import IO

from ptmtorrent_scrapy.git.errors import Stalled

STDERR_KEPT = 64 * 1024  # bytes; the end of a command's messages says why it failed
_POLL = 1.0  # seconds between two checks of a command's progress

Take = Callable[[bytes], object]


class Pipes:
    """The pipes of a process. `output` receives standard output piece by piece; without it, `stdout` collects it.

    `watch` receives standard error piece by piece, which then does not count as progress.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], stdin: bytes, *, output: Take | None = None, watch: Take | None = None
    ) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self._process = process
        self._rest = memoryview(stdin)
        self._watch = watch
        self._selector = selectors.DefaultSelector()
        self._register(process.stdout, output or self.stdout.extend)
        self._register(process.stderr, self._take_error)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE)

    def communicate(self, timeout: float, progress: Callable[[], object]) -> None:
        """Move all bytes until the process closes its pipes. Raise `Stalled`, and the errors of the callbacks."""
        clock = _StallClock(timeout, progress)
        while self._selector.get_map():
            clock.tick(moved=self._move())

    def close(self) -> None:
        """Close our ends of the pipes."""
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _register(self, stream: IO[bytes] | None, take: Take) -> None:
        assert stream is not None
        self._selector.register(stream, selectors.EVENT_READ, take)

    def _move(self) -> bool:
        """Move the bytes that are ready within a second; return whether that is progress."""
        events = self._selector.select(_POLL)
        for key, _ in events:
            if key.fileobj is self._process.stdin:
                self._feed(self._process.stdin)
            elif chunk := os.read(key.fd, 65536):
                key.data(chunk)
            else:
                self._selector.unregister(key.fileobj)
        return any(key.fileobj is not self._process.stderr or not self._watch for key, _ in events)

    def _take_error(self, chunk: bytes) -> None:
        self.stderr.extend(chunk)
        del self.stderr[:-STDERR_KEPT]
        if self._watch:
            self._watch(chunk)

    def _feed(self, stream: IO[bytes]) -> None:
        """Write as much as the process reads; close its input after the last byte or when it stops reading."""
        try:
            self._rest = self._rest[os.write(stream.fileno(), self._rest[:65536]) :]
        except BrokenPipeError:
            self._rest = self._rest[:0]
        if not self._rest:
            self._selector.unregister(stream)
            stream.close()


class _StallClock:
    """Measures how long a command has made no progress; a changed value of `progress()` is progress, too."""

    def __init__(self, timeout: float, progress: Callable[[], object]) -> None:
        self._timeout = timeout
        self._progress = progress
        self._seen = progress()
        self._since = self._asked = time.monotonic()

    def tick(self, *, moved: bool) -> None:
        """Note whether bytes have moved. Raise `Stalled`."""
        now = time.monotonic()
        if now - self._asked >= _POLL:
            seen, self._asked = self._progress(), now
            moved |= seen != self._seen
            self._seen = seen
        if moved:
            self._since = now
        elif now - self._since > self._timeout:
            raise Stalled(f"no progress for {self._timeout:g} seconds")
