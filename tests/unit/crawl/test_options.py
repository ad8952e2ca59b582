"""Values that users type."""

import pytest

from ptmtorrent_scrapy.crawl import options


@pytest.mark.parametrize("user", ["me:s3cret@", "s3cret@", ":s3cret@", "me:s3c/ret@"])
def test_a_url_with_a_password_is_refused_and_not_shown(user: str) -> None:
    with pytest.raises(options.InvalidOption, match="HUGGINGFACE_URL") as raised:
        options.url("HUGGINGFACE_URL", f"https://{user}hub.example/x")
    assert "s3cret" not in str(raised.value)


def test_mirrors_with_a_password_are_refused_and_not_shown() -> None:
    with pytest.raises(options.InvalidOption, match="without user and password") as raised:
        options.mirrors("CLONE_LFS_MIRRORS", '{"https://a.example/m": "https://me:s3cret@b.example/m"}')
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "value", ["https://hub.example/a b", "https://hub.exämple", "https://hub.example\n", "hub.example"]
)
def test_invalid_urls_are_refused(value: str) -> None:
    assert options.url("HUGGINGFACE_URL", "https://hub.example:8443/a/b") == "https://hub.example:8443/a/b"
    with pytest.raises(options.InvalidOption, match="a URL such as"):
        options.url("HUGGINGFACE_URL", value)
