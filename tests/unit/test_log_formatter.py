"""A pipeline's internal error names the item and does not print it."""

from ptmtorrent_scrapy.items import ListingPage, RawPage
from ptmtorrent_scrapy.log_formatter import LogFormatter


def test_an_item_is_named_by_its_kind_and_not_printed() -> None:
    body = b"x" * 1_000_000
    for item, name in (
        (RawPage(path="html/metadata/a.html", body=body), "html/metadata/a.html"),
        (ListingPage(url="https://hub.example/1", following=None, body=body), "https://hub.example/1"),
    ):
        line = LogFormatter().item_error(item, ValueError("x"), None, None)
        said = line["msg"] % line["args"]
        assert name in said
        assert type(item).__name__ in said
        assert len(said) < 500
