"""Run git and git-lfs, with a limit of time without progress."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack

from ptmtorrent_scrapy.git import memory
from ptmtorrent_scrapy.git.errors import Cancelled, GitError, ProgramError
from ptmtorrent_scrapy.git.pipes import Pipes, Take
from ptmtorrent_scrapy.git.process import cancelled, end, start
from ptmtorrent_scrapy.git.stderr import message_lines


class Options(TypedDict, total=False):
    """Options of a command."""

    cwd: Path | None  # a clone: its `.git` is used, whoever owns it, and git looks for no other repository
    stdin: bytes
    environment: Mapping[str, str] | None  # added to the command's own
    progress: Callable[[], object]  # called every second; a changed value counts as progress, as output does
    output: Take  # receives standard output piece by piece, which is then not returned
    watch: Take  # receives standard error piece by piece, which then does not count as progress
    ok: tuple[int, ...]  # exit statuses that mean success


@dataclass(frozen=True)
class Completed:
    """The output of a command that has ended."""

    stdout: bytes
    stderr: str  # its last 64 KiB


@dataclass(frozen=True, kw_only=True)
class Command:
    """Runner of commands, with a scope, an environment, and a limit of time without progress."""

    scope: str
    environment: Mapping[str, str]
    timeout: float  # seconds without progress
    memory: int = field(default_factory=memory.most)  # bytes

    def run(self, *arguments: str, **options: Unpack[Options]) -> bytes:
        """Run a command as `complete` does, and return its standard output."""
        return self.complete(*arguments, **options).stdout

    def complete(self, *arguments: str, **options: Unpack[Options]) -> Completed:
        """Run a command, and return its output.

        Raise `CommandFailed` for an exit status not in `ok`, `ProgramError`, `Stalled`, `Cancelled`, `Refused`
        for too much memory, and the errors of the callbacks.
        """
        stdin = options.get("stdin", b"")
        process = self._start(arguments, options.get("cwd"), stdin, options.get("environment") or {})
        pipes = Pipes(process, stdin, output=options.get("output"), watch=options.get("watch"))
        status = self._wait(process, pipes, options.get("progress", _no_progress))
        if cancelled(self.scope):
            raise Cancelled("the crawl ends")
        stderr = pipes.stderr.decode("utf-8", "replace")
        if status not in options.get("ok", (0,)):
            raise CommandFailed(arguments, status, stderr)
        return Completed(bytes(pipes.stdout), stderr)

    def _wait(self, process: subprocess.Popen[bytes], pipes: Pipes, progress: Callable[[], object]) -> int:
        """Wait for the end of a process within its limits of time and memory; return its exit status."""

        def watched() -> object:
            memory.check(process.pid, self.memory)
            return progress()

        try:
            pipes.communicate(self.timeout, watched)
            return _exit_status(process.pid)
        finally:
            end(process)
            pipes.close()

    def _start(
        self, arguments: Sequence[str], cwd: Path | None, stdin: bytes, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        of_clone = {} if cwd is None else {"GIT_DIR": ".git"}
        try:
            return start(
                self.scope,
                arguments,
                cwd=cwd,
                env={**of_clone, **self.environment, **environment},
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except (FileNotFoundError, PermissionError) as error:
            if error.filename != arguments[0]:  # but the folder
                raise
            raise ProgramError(f"{arguments[0]} does not run ({error.strerror}): install it, then run again") from None


def _no_progress() -> None:
    """Return the same value at any time."""


def _exit_status(pid: int) -> int:
    """Return the exit status, negative for a signal; the process stays a zombie, so that its id is not reused."""
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


class CommandFailed(GitError):
    """A command ended with an exit status that means failure; the message is the last line of its errors."""

    def __init__(self, arguments: Sequence[str], status: int, stderr: str) -> None:
        self.status = status
        self.stderr = stderr
        lines = message_lines(stderr)
        fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
        last = (fatal or lines or ["no error message"])[-1]
        super().__init__(f"{' '.join(arguments[:2])} ended with {status}: {last[:500]}")
