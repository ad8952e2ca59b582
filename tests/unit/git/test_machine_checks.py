"""Messages of git end a crawl only if the machine really has the fault."""

from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.command import CommandFailed
from ptmtorrent_scrapy.git.error_messages import of_git
from ptmtorrent_scrapy.git.errors import DiskError, GitError, NoSpace, Refused, TooFewFiles, Transient
from ptmtorrent_scrapy.git.machine_checks import confirmed

NOWHERE = Path("/proc")  # not writable


@pytest.mark.parametrize("error", [NoSpace("the disk is full"), DiskError("the disk fails"), TooFewFiles()])
def test_a_machine_that_is_well(error: GitError, tmp_path: Path) -> None:
    assert type(confirmed(error, tmp_path)) is Transient


@pytest.mark.parametrize("error", [NoSpace("the disk is full"), DiskError("the disk fails")])
def test_a_disk_that_cannot_be_written(error: GitError) -> None:
    assert confirmed(error, NOWHERE) is error
    assert confirmed(error, NOWHERE / "absent") is error


def test_other_errors_stay(tmp_path: Path) -> None:
    error = Refused("unsafe")
    assert confirmed(error, tmp_path) is error


@pytest.mark.parametrize(
    "words",
    [
        "fatal: remote error: No space left on device",
        "remote: fatal: Read-only file system",
        "error: unable to create file xxxxx\nfatal: No space left on device: File name too long",
    ],
)
def test_words_of_servers_and_repositories_are_no_disk_errors(words: str) -> None:
    error = of_git(CommandFailed(("git", "clone"), 128, f"Cloning into 'x'...\n{words}\n"), gated=False)
    assert not isinstance(error, NoSpace | DiskError)
