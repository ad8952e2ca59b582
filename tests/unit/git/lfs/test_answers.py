"""What LFS servers answer."""

import pytest

from ptmtorrent_scrapy.git.errors import Gated, GitError, Missing, Transient, Unavailable
from ptmtorrent_scrapy.git.lfs.answers import failure


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((404, Missing), (410, Missing), (401, Gated), (403, Gated), (429, Unavailable), (503, Unavailable)),
        *((500, Transient), (502, Transient), (402, GitError), (405, GitError), (422, GitError), (501, GitError)),
        *((507, GitError), (509, GitError)),
    ],
)
def test_kinds_of_failures(status: int, kind: type[GitError]) -> None:
    assert type(failure(status, {}, b"")) is kind


def test_the_message_of_the_server_is_one_short_line() -> None:
    said = failure(402, {}, b'{"message": "Pay\\n\\u001b[31m first' + b"!" * 1000 + b'"}')
    assert str(said).startswith("their server refuses them with HTTP status 402: Pay ?[31m first!!")
    assert len(str(said)) < 300
    for content in (b"<html>", b"[]", b'{"message": 1}', b"[" * 100_000, b"\xff"):
        assert str(failure(402, {}, content)) == "their server refuses them with HTTP status 402"


def test_a_rate_limit_is_waited_for() -> None:
    found = failure(403, {"Retry-After": "7"}, b"")
    assert isinstance(found, Unavailable)
    assert found.pause == 7
    assert isinstance(failure(403, {}, b'{"message": "API rate limit exceeded"}'), Unavailable)
    assert isinstance(failure(403, {"X-RateLimit-Remaining": "0"}, b""), Unavailable)
