"""Checkpoints decide who resumes an interrupted listing, and from where."""

import time
from typing import Any

import pytest

from ptmtorrent_scrapy.crawl.checkpoint import Checkpoint, TokenMark, parse, request

REQUEST = request(urls=["https://hub.example"], fields=["sha"], selection={}, checkpointed=["records"])


def checkpoint(token: str | None = None, **values: Any) -> Checkpoint:
    given: dict[str, Any] = {"request": REQUEST, "began": int(time.time()), "page": None, "complete": False, **values}
    return Checkpoint(token=TokenMark.of(token), kept={}, statistics={}, **given)


@pytest.mark.parametrize("token", [None, "hf_first"])
def test_the_same_user_resumes(token: str | None) -> None:
    saved = parse(checkpoint(token).to_json())
    assert saved is not None
    assert saved.is_of(REQUEST, token, 3600)


@pytest.mark.parametrize(("first", "second"), [("hf_first", "hf_second"), ("hf_first", None), (None, "hf_second")])
def test_another_user_does_not_resume(first: str | None, second: str | None) -> None:
    assert not checkpoint(first).is_of(REQUEST, second, 3600)


def test_the_token_is_in_no_checkpoint_and_marks_differ() -> None:
    one, other = checkpoint("hf_secret").to_json(), checkpoint("hf_secret").to_json()
    assert b"hf_secret" not in one
    assert one != other


@pytest.mark.parametrize("began", [-10, 3700])
def test_a_listing_in_the_future_or_long_ago_is_not_resumed(began: int) -> None:
    assert not checkpoint(began=int(time.time()) - began).is_of(REQUEST, None, 3600)


@pytest.mark.parametrize("state", [None, b"", b"{}", b"[]", b'{"token": {}}', b'{"token": null, "other": 1}'])
def test_a_checkpoint_of_another_version_is_not_used(state: bytes | None) -> None:
    assert parse(state) is None
