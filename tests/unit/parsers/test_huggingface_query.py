"""The query of Hugging Face's listing."""

import pytest

from ptmtorrent_scrapy.parsers.huggingface_query import (
    PageSize,
    accepted,
    at_endpoint,
    fields,
    limit,
    listing_url,
    with_fields,
    with_limit,
)

CURSOR = "cursor=eyJfaWQiOnsiJGx0IjoiNmE4NDM1NTgifX0%3D"


def test_a_listing_is_asked_for_its_fields() -> None:
    url = listing_url("https://hub.example", "models", ["sha", "model-index"])
    assert url == "https://hub.example/api/models?sort=createdAt&limit=1000&expand[]=sha&expand[]=model-index"
    assert fields(url) == ["sha", "model-index"]


def test_without_fields_it_is_asked_for_what_the_hub_gives_without_expand() -> None:
    url = listing_url("https://hub.example", "models", [])
    assert url.endswith("&limit=1000&full=true&cardData=true&config=true")
    assert fields(url) == []


@pytest.mark.parametrize("spelling", ["expand[]=", "expand=", "expand%5B%5D="])
def test_other_fields_keep_the_position_of_the_page(spelling: str) -> None:
    url = f"https://hub.example/api/models?limit=500&{spelling}sha&{CURSOR}&{spelling}tags"
    assert fields(url) == ["sha", "tags"]
    assert with_fields(url, ["tags"]) == f"https://hub.example/api/models?limit=500&{CURSOR}&expand[]=tags"
    assert fields(with_fields(url, [])) == []


def test_another_limit_keeps_the_rest_as_it_is() -> None:
    url = f"https://hub.example/api/models?limit=1000&expand%5B%5D=sha&{CURSOR}"
    assert with_limit(url, 250) == f"https://hub.example/api/models?expand%5B%5D=sha&{CURSOR}&limit=250"
    assert limit(with_limit(url, 250)) == 250


@pytest.mark.parametrize("query", ["", "?limit=x", "?limit=99999", "?limit=²", f"?limit={'9' * 5000}"])
def test_an_invalid_limit_is_the_hub_s_default(query: str) -> None:
    assert limit(f"https://hub.example/api/models{query}") == 1000


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ('{"error":"\\"expand\\" must be one of [author, model-index]"}', {"author", "model-index"}),
        ('{"error":"\\"expand[3]\\" must be one of: author, sha"}', {"author", "sha"}),
        ('{"error":"Invalid option: expand: expected one of \\"author\\"|\\"sha\\""}', {"author", "sha"}),
        (
            '{"error":"Invalid option: one of \\"author\\"|\\"sha\\"\\n at expand[2]"}',
            {"author", "sha", "at", "expand"},
        ),
        ("expand must be one of [sha]", {"sha"}),
        ('{"error":"\\"expand\\" is not allowed"}', None),
        ('{"error":"\\"limit\\" must be one of [10, 20]"}', None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_what_an_error_says_is_accepted(answer: str, names: set[str] | None) -> None:
    assert accepted(answer) == names


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://huggingface.co/api/models?limit=2&cursor=a%3D", "http://mirror/hf/api/models?limit=2&cursor=a%3D"),
        ("http://mirror/hf/api/models?cursor=b", "http://mirror/hf/api/models?cursor=b"),
        ("https://mirror/api/models?cursor=c", "http://mirror/hf/api/models?cursor=c"),
        ("https://huggingface.co/api/datasets?cursor=a", None),
        ("https://huggingface.co/login", None),
        ("file:///api/models?cursor=a", None),
        ("javascript:alert(1)", None),
    ],
)
def test_the_next_page_is_at_the_endpoint_in_use(link: str, url: str | None) -> None:
    assert at_endpoint(link, "http://mirror/hf", "models") == url


def limits(size: PageSize, fails: str) -> list[int]:
    """Return the requested limits; a page fails for `-` and succeeds for `+`."""
    url, asked = "https://hub.example/api/models?limit=1000", []
    for what in fails:
        asked.append(limit(url))
        url = size.next(url) if what == "+" else size.smaller(url) or url
    return asked


def test_pages_that_fail_become_smaller_and_grow_again() -> None:
    assert limits(PageSize(), "--+++") == [1000, 500, 250, 500, 1000]


def test_the_smallest_page_has_fifty() -> None:
    assert limits(PageSize(), "-------")[-2:] == [50, 50]
    assert PageSize().smaller("https://hub.example/api/models?limit=50") is None


def test_each_attempt_that_fails_is_followed_by_twice_as_many_small_pages() -> None:
    asked = limits(PageSize(), "-+-++-++++-+")
    assert asked == [1000, 500, 1000, 500, 500, 1000, 500, 500, 500, 500, 1000, 500]
