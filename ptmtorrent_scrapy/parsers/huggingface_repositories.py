"""Datasets and spaces of Hugging Face, from the objects of its API.

https://huggingface.co/docs/hub/api
"""

import re
from typing import Any

from ptmtorrent_scrapy.formats.raw_json import count, mapping, string, strings
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.huggingface import by_kind
from ptmtorrent_scrapy.parsers.huggingface_cards import web_address
from ptmtorrent_scrapy.parsers.huggingface_ids import folder

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HUB_ID = re.compile(r"[0-9a-f]{24}")
_NOBODY = "huggingface"  # owns what has no namespace


def repository(metadata: Metadata, base: str, prefix: str) -> Model:
    """Return the repository that an object describes, as far as it is selected and cloned by it.

    `base` is the URL of the hub, `prefix` the beginning of the path of all repositories of the kind. Raise `NotAModel`.
    """
    listed = mapping(metadata.value)
    name = string(listed.get("id"))
    if name is None:
        raise NotAModel("no id", "an element of the listing has no id")
    namespace, slash, _ = name.partition("/")
    owner = string(listed.get("author")) or (namespace if slash else _NOBODY)
    url = web_address(base, f"{prefix}{name}")
    tags = strings(listed.get("tags"))
    tagged = by_kind(tags)
    downloads, likes = count(listed.get("downloads")), count(listed.get("likes"))
    return Model(
        key=name,
        metadata=metadata,
        name=name,
        owner=owner,
        url=url,
        owner_url=web_address(base, owner),
        repository=url,
        folder=folder(name, url),
        commit=_matching(_COMMIT, listed.get("sha")),
        gated=listed.get("gated") in ("auto", "manual", True),
        private=listed.get("private") is True,
        popularity=likes or 0 if downloads is None else downloads,
        task=", ".join(tagged.get("task_categories", ())) or None,
        license=_license(listed, tagged),
        library=string(listed.get("sdk")),
        downloads=downloads,
        likes=likes,
        tags=tags,
        hub_id=_matching(_HUB_ID, listed.get("_id")),
    )


def _license(listed: dict[str, Any], tagged: dict[str, list[str]]) -> str | None:
    named = strings(mapping(listed.get("cardData")).get("license")) or tagged.get("license", [])
    return ", ".join(named) or None


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
