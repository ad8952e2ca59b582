"""Models of ModelZoo, from its index and the page of each.

https://modelzoo.co; its API is not documented, PTMTorrent's schemas have its fields.
"""

from dataclasses import replace
from typing import Any

from w3lib.url import safe_url_string

from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import count, element, elements, mapping, member, string, strings, texts
from ptmtorrent_scrapy.formats.repository_urls import NamedRepository, Repositories
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.storage.tree import UnusableName, check_name


def entries(text: str) -> list[Metadata]:
    """Return the models of the index. Raise `ValueError`, `RecursionError`."""
    listed = member(text, "models")
    if listed is None:
        raise ValueError("no array 'models'")
    return elements(listed)


def slug(entry: Metadata) -> str | None:
    """Return the name of an index entry in URLs."""
    return string(mapping(entry.value).get("slug"))


def page_path(slug: str | None) -> str:
    """Return the path of a model's page. Raise `NotAModel`."""
    if slug is None:
        raise NotAModel("no slug", "an element of the index has no slug")
    try:
        return f"json/metadata/models/{check_name(check_name(slug) + '_metadata.json')}"
    except UnusableName as error:
        raise NotAModel("unusable name", str(error)) from error


def described(entry: Metadata, page: str, url: str) -> Metadata:
    """Return the object of a model's page, with missing fields from the index. Raise `NotAModel`."""
    try:
        found = element(page.strip())
    except (ValueError, RecursionError) as error:
        raise NotAModel("no page", f"{url} does not answer with JSON: {error}") from error
    if not isinstance(found.value, dict):
        raise NotAModel("no page", f"{url} does not answer with a JSON object")
    return replace(found, value={**mapping(entry.value), **found.value, "slug": slug(entry)})


def model(metadata: Metadata, repositories: Repositories) -> Model:
    """Return the model of a page. Raise `NotAModel`."""
    page = metadata.value
    name, link = string(page.get("title")), string(page.get("link"))
    if name is None:
        raise NotAModel("no name", "title is missing", name=page["slug"])
    repository = linked_repository(link, repositories, name)
    categories = titles(page.get("categories"))
    stars = count(page.get("stars"))
    return Model(
        key=page["slug"],
        metadata=metadata,
        name=name,
        owner=repository.owner,
        url=web_address(link) or repository.url,
        owner_url=repository.owner_url,
        repository=repository.url,
        folder=repository.folder,
        popularity=stars or 0,
        task=next(iter(categories), None),
        papers=dois("\n".join(texts(page.get("papers")))),
        library=string(page.get("framework")),
        likes=stars,
        tags=categories,
    )


def linked_repository(link: str | None, repositories: Repositories, name: str) -> NamedRepository:
    """Return the repository that the page of a model links to. Raise `NotAModel`."""
    repository = repositories.named(link or "")
    if repository is None:
        raise NotAModel("no repository", f"{link!r} names none" if link else "link is missing", name=name)
    return repository


def titles(categories: Any) -> list[str]:
    """Return the titles of categories `{"id", "slug", "title", "short_title"}`."""
    return strings([mapping(each).get("title") for each in categories] if isinstance(categories, list) else None)


def web_address(link: str | None) -> str | None:
    """Return a link as a URL that a browser can open; None if it is not one."""
    return safe_url_string(link) if link and link.lower().startswith(("http://", "https://")) else None
