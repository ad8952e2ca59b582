"""Reasons why a page could not be fetched."""

import weakref

import pytest
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from scrapy.utils._compression import _DecompressionMaxSizeExceeded

from ptmtorrent_scrapy.crawl.pages import failed, refused
from ptmtorrent_scrapy.downloadhandlers.http import ServerRefused


@pytest.mark.parametrize(
    ("status", "has_token", "why"),
    [
        (401, False, "HTTP status 401 (Go away); it may need a token: set HUGGINGFACE_TOKEN"),
        (403, True, "HTTP status 403 (Go away); check HUGGINGFACE_TOKEN"),
        (404, True, "HTTP status 404 (Go away)"),
        (451, False, "HTTP status 451 (Go away)"),
    ],
)
def test_a_refusal_names_the_status_and_the_token(status: int, has_token: bool, why: str) -> None:
    response = Response("https://hub.example/api", status=status, body=b'{"error": "Go away"}')
    assert str(refused(response, token_setting="HUGGINGFACE_TOKEN", has_token=has_token)) == why


def test_a_redirect_that_is_not_followed_says_where_it_leads() -> None:
    response = Response("https://hub.example/api", status=302, headers={"Location": "file:///etc/passwd"})
    why = str(refused(response, token_setting="", has_token=False))
    assert why == "HTTP status 302; it leads to file:///etc/passwd, which is not followed"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"error": {"a": 1}}', b"[1]"])
def test_a_server_that_says_nothing(body: bytes) -> None:
    response = Response("https://hub.example/api", status=404, body=body)
    assert str(refused(response, token_setting="", has_token=False)) == "HTTP status 404"


def test_messages_of_a_server_are_escaped_and_limited() -> None:
    words = b"\x1b[2J\nline " + b"x" * 10_000
    response = Response("https://hub.example/api", status=400, headers={"X-Error-Message": words})
    why = str(refused(response, token_setting="", has_token=False))
    assert why.isprintable()
    assert len(why) < 300


@pytest.mark.parametrize(("status", "is_outdated", "is_too_large"), [(504, False, True), (410, True, False)])
def test_a_new_listing_or_a_smaller_page_may_help(status: int, is_outdated: bool, is_too_large: bool) -> None:
    why = refused(Response("https://hub.example", status=status), token_setting="", has_token=False)
    assert (why.is_outdated, why.is_too_large) == (is_outdated, is_too_large)


def test_a_timeout_may_mean_that_the_page_is_too_large() -> None:
    assert failed(DownloadTimeoutError("slow")).is_too_large
    assert failed(DownloadCancelledError("large")).is_too_large
    assert not failed(ServerRefused("an address of this machine")).is_too_large
    assert not failed(OSError("disk")).is_too_large
    assert str(failed(ValueError())) == "ValueError"


class Unpacked:
    """The decompressed part of an answer that is too large."""


def test_the_memory_of_a_page_that_is_too_large_is_released() -> None:
    unpacked: list[weakref.ref[Unpacked]] = []

    def unpack() -> None:
        content = Unpacked()
        unpacked.append(weakref.ref(content))
        raise _DecompressionMaxSizeExceeded(2, 1)

    try:
        try:
            unpack()
        except ValueError as error:
            raise IgnoreRequest from error
    except IgnoreRequest as error:
        page = failed(error)
        assert unpacked[0]() is None
    assert (page.is_too_large, str(page)) == (True, "its answer is larger than DOWNLOAD_MAXSIZE")
