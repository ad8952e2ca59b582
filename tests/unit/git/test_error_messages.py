"""Errors from messages of git."""

import errno
import os

import pytest

from ptmtorrent_scrapy.git.command import CommandFailed
from ptmtorrent_scrapy.git.error_messages import of_git, of_os
from ptmtorrent_scrapy.git.errors import (
    DiskError,
    Gated,
    GitError,
    Missing,
    NoSpace,
    Refused,
    Transient,
    Unavailable,
)

URL = "https://hub/fsck/timeout/disabled"


def failed(status: int, reason: str = "", headers: str = "") -> CommandFailed:
    lines = [f"10:00:00.1 http.c:1 <= Recv header: {line}" for line in headers.split("\n") if line]
    lines += [f"remote: {reason}"] if reason else []
    lines += [f"fatal: unable to access '{URL}/': The requested URL returned error: {status}"]
    return CommandFailed(("git", "clone"), 128, "\n".join(lines))


@pytest.mark.parametrize(
    ("status", "reason", "headers", "kind"),
    [
        (403, "This repository has been disabled.", "", Missing),
        (451, "Taken down after a legal notice.", "", Missing),
        (410, "Gone", "", Missing),
        (403, "Blocked by our staff.", "", Missing),
        (403, "Rate limit reached, come back in some minutes.", "", Unavailable),
        (403, "API usage", "X-RateLimit-Remaining: 0\n", Unavailable),
        (403, "", "Retry-After: 60\n", Unavailable),
        (403, "The storage limit of this account is reached.", "", GitError),
        (403, "", "X-Error-Message: Access to model x is restricted.\n", Gated),
        (403, "", "", Gated),
        (404, "Repository not found.", "", Missing),
        (429, "", "", Unavailable),
        (500, "disabled", "", Transient),
    ],
)
def test_refusals_are_distinguished(status: int, reason: str, headers: str, kind: type[GitError]) -> None:
    found = of_git(failed(status, reason, headers), gated=False)
    assert type(found) is kind
    words = reason or headers.partition(": ")[2].strip() if "Error" in headers or reason else ""
    assert words in str(found)


def test_the_pause_of_a_refusal() -> None:
    found = of_git(failed(403, "Rate limit reached.", "Retry-After: 60\n"), gated=True)
    assert isinstance(found, Unavailable)
    assert found.pause == 60


def test_messages_of_a_server_are_limited_and_printable() -> None:
    found = str(of_git(failed(451, "\x1b[2J" + "x" * 5000), gated=False))
    assert len(found) < 400
    assert found.isprintable()


def test_progress_of_a_server_is_not_part_of_its_message() -> None:
    said = (
        "remote: Enumerating objects: 197, done.        \nremote: Counting objects:   0% (1/197)        \r"
        "remote: Counting objects: 100% (197/197), done.\nremote: Total 3 (delta 0), reused 0 (delta 0)\n"
        "remote: fatal: unable to read 8c1f\nremote: aborting due to possible corruption\n"
        "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output"
    )
    found = str(of_git(CommandFailed(("git", "clone"), 128, said), gated=False))
    assert found.startswith("the server says: fatal: unable to read 8c1f aborting due to possible corruption (git")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EUCLEAN])
def test_a_disk_that_fails(number: int) -> None:
    words = os.strerror(number)
    said = f"error: unable to write file a: {words}\nfatal: cannot store"
    assert type(of_git(CommandFailed(("git", "fetch"), 128, said), gated=False)) is DiskError
    assert type(of_os(OSError(number, words))) is DiskError
    lie = f"remote: error: {words}\nfatal: early EOF"
    assert type(of_git(CommandFailed(("git", "fetch"), 128, lie), gated=False)) is Transient


def test_a_disk_that_is_full() -> None:
    said = "fatal: write error: No space left on device"
    assert type(of_git(CommandFailed(("git", "fetch"), 128, said), gated=False)) is NoSpace
    assert type(of_os(OSError(errno.ENOSPC, ""))) is NoSpace


def test_paths_that_are_too_long() -> None:
    said = "error: unable to create file a/b: File name too long"
    assert type(of_git(CommandFailed(("git", "clone"), 128, said), gated=False)) is Refused
    assert type(of_os(OSError(errno.ENAMETOOLONG, ""))) is Refused
