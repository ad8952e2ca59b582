"""A forked command behaves like the same command in a new interpreter."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT

_SHELL = [sys.executable, "-m", "scrapy", "shell", "--nolog", "-c"]
_STATE = """
import os, signal, sys, threading
print(settings["DATA_DIR"], os.getcwd(), sys.argv, sys.path, sys.stdin.read(), sorted(os.listdir("/proc/self/fd")))
print({name: value for name, value in os.environ.items() if name != "GIT_PYTHON_REFRESH"})
print([signal.getsignal(each) for each in signal.valid_signals()], os.getsid(0) == os.getpid())
print(threading.active_count(), sys.flags, sys.stdout.encoding, sys.stderr.errors, sorted(globals()))
sys.exit(7)
"""


@pytest.fixture(scope="module", autouse=True)
def fork_server() -> None:
    """Start the fork server, as the second command of a worker does."""
    for _ in range(2):
        processes.run([*_SHELL, "0"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_a_fork_has_the_state_of_a_new_interpreter() -> None:
    given: dict[str, Any] = {"cwd": ROOT, "env": {**os.environ, "PTMTORRENT_DATA_DIR": "x"}, "start_new_session": True}
    command = [*_SHELL, f"exec({_STATE!r})"]
    started = subprocess.run(command, input="text", capture_output=True, text=True, check=False, **given)
    forked = processes.run(command, input="text", capture_output=True, text=True, check=False, **given)
    assert (forked.stdout, forked.stderr, forked.returncode) == (started.stdout, started.stderr, 7)


def test_the_end_of_a_fork() -> None:
    with processes.Popen([*_SHELL, "__import__('time').sleep(60)"], stdout=subprocess.PIPE) as process:
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        process.terminate()
        assert process.communicate() == (b"", None)
    assert process.wait() == process.poll() == process.returncode == -signal.SIGTERM
