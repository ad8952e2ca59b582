"""Datasets and spaces of Hugging Face, from the objects of its API.

https://huggingface.co/docs/hub/api
"""

from typing import Any

from ptmtorrent_scrapy.formats.raw_json import mapping, string, strings
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.huggingface_cards import Tags
from ptmtorrent_scrapy.parsers.huggingface_objects import by_kind, repository_fields


def repository(metadata: Metadata, base: str, prefix: str) -> Model:
    """Return the repository of an object, with the fields for selection and cloning.

    `base` is the URL of the hub, `prefix` the beginning of the path of all repositories of the kind. Raise `NotAModel`.
    """
    listed = mapping(metadata.value)
    common = repository_fields(metadata, base, prefix)
    tagged, downloads = by_kind(common["tags"]), common["downloads"]
    return Model(
        **common,
        popularity=common["likes"] or 0 if downloads is None else downloads,
        task=", ".join(tagged.get("task_categories", ())) or None,
        license=_license(listed, tagged),
        library=string(listed.get("sdk")),
    )


def _license(listed: dict[str, Any], tagged: Tags) -> str | None:
    named = strings(mapping(listed.get("cardData")).get("license")) or tagged.get("license", [])
    return ", ".join(named) or None
