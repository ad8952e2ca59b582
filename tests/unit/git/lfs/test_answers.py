"""Answers of LFS servers."""

import json
from typing import Any

import pytest

from ptmtorrent_scrapy.git.errors import Gated, GitError, Missing, Transient, Unavailable
from ptmtorrent_scrapy.git.lfs.answers import Download, batch, failure


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


@pytest.mark.parametrize(
    "odd",
    [
        *({"error": "gone"}, {"error": {"code": "?"}}, {"error": {}}, {"error": {"code": 1e400}}, {"actions": []}),
        *({"actions": "x"}, {"actions": {"download": "x"}}, {"actions": {"download": {"href": 7}}}),
        *({"actions": {"download": {"href": "http://[::1"}}}, {"actions": {"download": {"href": "/", "header": [1]}}}),
    ],
)
def test_an_odd_entry_costs_its_own_object_only(odd: dict[str, Any]) -> None:
    good = {"oid": "b", "actions": {"download": {"href": "/x", "header": {"A": "1", "Host": "evil", "B": "x\r\ny"}}}}
    objects = ["odd", None, {"size": 1}, {"oid": 7}, {"oid": "a", **odd}, good]
    found = batch(json.dumps({"objects": objects}).encode(), "https://lfs.example/o/objects/batch")
    assert found.keys() == {"a", "b"}
    assert found["b"] == Download("https://lfs.example/x", {"A": "1"})
    assert isinstance(found["a"], GitError)
    assert not isinstance(found["a"], Transient)


@pytest.mark.parametrize("content", [[], {}, {"objects": {}}, {"objects": "x"}, None])
def test_another_answer_is_no_batch(content: object) -> None:
    with pytest.raises(GitError, match="not one of git-lfs's batch API"):
        batch(json.dumps(content).encode(), "https://lfs.example/objects/batch")
