"""Read the common fields of the objects in Hugging Face's listings: models, datasets and spaces.

https://huggingface.co/docs/hub/api
"""

import re
from typing import Any

from ptmtorrent_scrapy.formats.raw_json import count, mapping, string, strings
from ptmtorrent_scrapy.items import Metadata
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.huggingface_cards import Tags, web_address
from ptmtorrent_scrapy.parsers.huggingface_ids import NOBODY, folder

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HUB_ID = re.compile(r"[0-9a-f]{24}")


def repository_fields(metadata: Metadata, base: str, prefix: str = "") -> dict[str, Any]:
    """Return the fields of a Model that every repository of the hub has.

    `base` is the URL of the hub, `prefix` the beginning of the path of all repositories of the kind. Raise `NotAModel`.
    """
    listed = mapping(metadata.value)
    name, owner = name_and_owner(listed)
    url = web_address(base, prefix + name)
    return {
        "key": name,
        "metadata": metadata,
        "name": name,
        "owner": owner,
        "url": url,
        "owner_url": web_address(base, owner),
        "repository": url,
        "folder": folder(name, url),
        "commit": matching(_COMMIT, listed.get("sha")),
        "gated": gating(listed.get("gated")),
        "private": boolean(listed.get("private")),
        "downloads": count(listed.get("downloads")),
        "likes": count(listed.get("likes")),
        "tags": strings(listed.get("tags")),
        "hub_id": matching(_HUB_ID, listed.get("_id")),
    }


def name_and_owner(listed: dict[str, Any]) -> tuple[str, str]:
    """Return the id of a repository and the account of its owner. Raise `NotAModel`."""
    name = string(listed.get("id")) or string(listed.get("modelId"))
    if name is None:
        raise NotAModel("no id", "an element of the listing has neither id nor modelId")
    namespace, slash, _ = name.partition("/")
    return name, string(listed.get("author")) or (namespace if slash else NOBODY)


def gating(value: Any) -> bool | str | None:
    """Return whether, or how, access is granted on request: `auto` or `manual`; None if the hub does not say."""
    return value if isinstance(value, bool) or value in ("auto", "manual") else None


def by_kind(tags: list[str]) -> Tags:
    """Return the values of the tags `KIND:VALUE`, by kind.

    >>> by_kind(["pytorch", "license:mit", "dataset:imdb", "dataset:glue"])
    {'license': ['mit'], 'dataset': ['imdb', 'glue']}
    """
    kinds: Tags = {}
    for tag in tags:
        if ":" not in tag:
            continue
        kind, _, value = tag.partition(":")
        if value := value.strip():
            kinds.setdefault(kind, []).append(value)
    return kinds


def boolean(value: Any) -> bool | None:
    """Return a value that is true or false; None for other values."""
    return value if isinstance(value, bool) else None


def matching(pattern: re.Pattern[str], value: Any) -> str | None:
    """Return a string that matches a pattern; None for other values."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
