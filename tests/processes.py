"""`subprocess` for the tests: commands of `scrapy`, and a Dask cluster, start from a process that has imported them.

An interpreter takes one to two seconds until a command begins, and the tests start a thousand of them. So each pytest
worker has a fork server (that of `multiprocessing`) with the modules of `tests.preload`. A forked command gets the
folder, the environment and the standard streams that it was started with, and no other open file. Whatever a fork
cannot show, such as another interpreter, limits or a module path of its own, starts as in `subprocess`.
"""

import atexit
import importlib
import io
import itertools
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, NoReturn, TextIO

from ptmtorrent_scrapy import settings

_MODULES = ("scrapy", "distributed.cli.dask_scheduler", "distributed.cli.dask_worker")
_FORKABLE = {"cwd", "env", "stdin", "stdout", "stderr", "text", "start_new_session"}
# Environment variables of the interpreter
_READ_AT_START = ("PYTHON", "LC_", "LD_", "LANG", "MALLOC_", "OPENSSL_", "GIT_PYTHON_")
_ROOT = str(Path(__file__).parent.parent)

_commands = itertools.count()  # of this worker; the fork server takes longer to start than one command
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.preload", "tests.processes"])


@dataclass
class _Start:
    """A command to run in a forked process."""

    words: list[str]  # the name of a module, and its arguments
    folder: str
    environment: dict[str, str]
    streams: list[int]  # files, by the number of the stream
    session: bool

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for the fork server; files are sent separately."""
        return {**vars(self), "streams": [DupFd(file) for file in self.streams]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, streams=[file.detach() for file in state["streams"]])

    def run(self) -> NoReturn:
        """Set up the state of `python -m scrapy`, and run it."""
        for number, file in enumerate(self.streams):
            os.dup2(file, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        if self.session:
            os.setsid()
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        time.tzset()
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for good
        sys.stdout, sys.stderr = _stream(1, sys.stdout), _stream(2, sys.stderr)
        also = [_ROOT] if self.environment.get("PYTHONPATH") == _ROOT else []
        sys.path[:] = [self.folder, *also, *(path for path in sys.path if path not in ("", _ROOT))]
        sys.argv = self.words
        importlib.reload(settings)  # which reads the environment
        importlib.import_module("dask.config").refresh()  # which reads it too
        _end(_status(self.words[0]))


def _stream(number: int, inherited: Any) -> TextIO:
    """Return a standard stream for a file, which may be of another kind than that of the fork server."""
    file = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(
        file if inherited.write_through else io.BufferedWriter(file),
        encoding=inherited.encoding,
        errors=inherited.errors,
        line_buffering=inherited.line_buffering,
        write_through=inherited.write_through,
    )


def _status(module: str) -> int:
    """Run a module as a program; return its exit status."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _end(status: int) -> NoReturn:
    """End this process as an interpreter would."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError as error:
        print(f"Exception ignored on flushing sys.stdout:\n{error!r}", file=sys.stderr)
        status = 120
    sys.stderr.flush()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


class Popen(subprocess.Popen[Any]):
    """A process that is forked if it runs one of the modules, and otherwise started by `subprocess`."""

    def __init__(self, args: Any, **options: Any) -> None:
        self._forked: BaseProcess | None = None
        self._options = options if _is_forkable(args, options) and next(_commands) else None
        super().__init__(args, **options)

    def _execute_child(self, args: Any, *given: Any) -> None:
        """Start the process, with the files that `subprocess` has opened for its standard streams."""
        if self._options is None:
            super()._execute_child(args, *given)  # type: ignore[misc]
            return
        files = given[9:15]  # for each stream the end to read and the end to write
        start = _Start(
            words=[str(word) for word in args[2:]],
            folder=str(self._options.get("cwd") or os.getcwd()),
            environment=dict(self._options.get("env") or os.environ),
            streams=[number if file == -1 else file for number, file in enumerate((files[0], files[3], files[5]))],
            session=bool(self._options.get("start_new_session")),
        )
        self._forked = _forks.Process(target=start.run, daemon=True)
        self._forked.start()
        assert self._forked.pid is not None
        self.pid = self._forked.pid
        self._child_created = True
        self._close_pipe_fds(*files)  # type: ignore[attr-defined]

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return super().poll() if self._forked is None else self._ended()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit status."""
        if self._forked is None:
            return super().wait(timeout)
        if self.returncode is None:
            self._forked.join(timeout)
        if (status := self._ended()) is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        return status

    def _ended(self) -> int | None:
        if self._forked is not None and self.returncode is None:
            status = self._forked.exitcode
            if status is None:
                return None
            self.returncode = status
            self._forked.close()
        return self.returncode


def _is_forkable(args: Any, options: Mapping[str, Any]) -> bool:
    """Return whether a fork of this interpreter is equivalent to the command."""
    environment = options.get("env") or os.environ
    return (
        isinstance(args, Sequence)
        and tuple(args[:2]) == (sys.executable, "-m")
        and args[2] in _MODULES
        and options.keys() <= _FORKABLE
        and _read_at_start(environment) == _read_at_start(os.environ)
    )


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_READ_AT_START) and (name, value) != ("PYTHONPATH", _ROOT)  # where the modules are
    }


def run(
    args: Any,
    *,
    input: str | bytes | None = None,  # noqa: A002 - as subprocess names it
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Run a command to its end, as `subprocess.run` does."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(args, **options) as process:
        try:
            output, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    ended = subprocess.CompletedProcess(args, process.returncode, output, errors)
    if check:
        ended.check_returncode()
    return ended
