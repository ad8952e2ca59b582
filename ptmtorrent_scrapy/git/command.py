"""Runs git and git-lfs, watched for progress."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ptmtorrent_scrapy.git.errors import Cancelled, GitError, Stalled
from ptmtorrent_scrapy.git.process import cancelled, end, start
from ptmtorrent_scrapy.git.stderr import beside

STDERR_KEPT = 64 * 1024  # bytes; the end of what git says is what it failed of
_POLL = 1.0  # seconds between looks at the progress of a process


@dataclass(frozen=True, kw_only=True)
class Command:
    """How commands run: what for, where, with what environment, and for how long without progress."""

    scope: str
    environment: Mapping[str, str]
    timeout: float  # seconds without progress

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        progress: Callable[[], object] = lambda: None,
        output: Callable[[bytes], object] | None = None,
        watch: Callable[[bytes], object] | None = None,
        errors: Callable[[str], object] | None = None,
        ok: tuple[int, ...] = (0,),
    ) -> bytes:
        """Standard output of the command; empty where `output` takes it, piece by piece as it comes.

        `progress` is asked every second; a value other than before, like any output, is progress. `watch` is given what
        the command says on standard error, piece by piece, which then is no progress. What they raise ends the command.
        `errors` is told the end of what the command said there.
        Raises `CommandFailed` for an exit status that is not `ok`, `Stalled`, `Cancelled`.
        """
        process = start(
            self.scope,
            arguments,
            cwd=cwd,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            stdout, stderr = self._communicate(process, stdin, progress, output, watch)
            status = _wait(process.pid)
        finally:
            end(process)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        if cancelled(self.scope):
            raise Cancelled("the crawl ends")
        if errors:
            errors(stderr)
        if status not in ok:
            raise CommandFailed(arguments, status, stderr)
        return stdout

    def _communicate(
        self,
        process: subprocess.Popen[bytes],
        stdin: bytes,
        progress: Callable[[], object],
        output: Callable[[bytes], object] | None,
        watch: Callable[[bytes], object] | None,
    ) -> tuple[bytes, str]:
        stdout, stderr = bytearray(), bytearray()
        rest = memoryview(stdin)
        seen, since = progress(), time.monotonic()
        asked = since
        with selectors.DefaultSelector() as selector:
            _register(selector, process.stdout, output or stdout.extend)
            _register(selector, process.stderr, stderr.extend)
            if process.stdin:
                os.set_blocking(process.stdin.fileno(), False)
                selector.register(process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                events = selector.select(_POLL)
                for key, _ in events:
                    if key.fileobj is process.stdin:
                        rest = _feed(selector, process.stdin, rest)
                    elif not (chunk := os.read(key.fd, 65536)):
                        selector.unregister(key.fileobj)
                    else:
                        key.data(chunk)
                        if watch and key.fileobj is process.stderr:
                            watch(chunk)
                del stderr[:-STDERR_KEPT]
                now = time.monotonic()
                before = seen
                if now - asked >= _POLL:
                    seen, asked = progress(), now
                told = any(key.fileobj is not process.stderr or not watch for key, _ in events)
                if told or seen != before:
                    since = now
                elif now - since > self.timeout:
                    raise Stalled(f"no progress for {self.timeout:g} seconds")
        return bytes(stdout), stderr.decode("utf-8", "replace")


def _register(selector: selectors.BaseSelector, stream: IO[bytes] | None, take: Callable[[bytes], object]) -> None:
    assert stream is not None
    selector.register(stream, selectors.EVENT_READ, take)


def _feed(selector: selectors.BaseSelector, stream: IO[bytes], rest: memoryview) -> memoryview:
    """Write what the process takes; close its input after the last byte or when it reads no more."""
    try:
        rest = rest[os.write(stream.fileno(), rest[:65536]) :]
    except BrokenPipeError:
        rest = rest[:0]
    if not rest:
        selector.unregister(stream)
        stream.close()
    return rest


def _wait(pid: int) -> int:
    """The exit status, negative for a signal; the process stays a zombie, so that its number stays its own."""
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


class CommandFailed(GitError):
    """A command ended with an exit status that says failure; the message is the last thing it said."""

    def __init__(self, arguments: Sequence[str], status: int, stderr: str) -> None:
        self.status = status
        self.stderr = stderr
        lines = beside(stderr)
        fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
        said = (fatal or lines or ["it said nothing"])[-1]
        super().__init__(f"{' '.join(arguments[:2])} ended with {status}: {said[:500]}")
