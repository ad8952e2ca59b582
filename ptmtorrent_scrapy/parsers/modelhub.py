"""Models of Modelhub, from its index and the `config.json` of their repositories.

https://github.com/modelhub-ai/modelhub
"""

import json
from dataclasses import replace
from typing import Any

from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import mapping, string
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.errors import NotAModel

CONFIG = "contrib_src/model/config.json"


def model(metadata: Metadata, repositories: Repositories) -> Model:
    """Return the model of an entry of the index. Raise `NotAModel`."""
    listed = mapping(metadata.value)
    name, url = string(listed.get("name")), string(listed.get("github"))
    if name is None or url is None:
        raise NotAModel("no name or no repository", "name or github is missing", name=name)
    found = repositories.named(url)
    if found is None:
        raise NotAModel("no repository", f"{url!r} names none", name=name, repository=url)
    return Model(
        key=string(listed.get("id")) or name,
        metadata=metadata,
        name=name,
        owner=found.owner,
        url=url,
        owner_url=found.owner_url,
        repository=found.url,
        folder=found.folder,
        task=string(listed.get("task_extended")),
    )


def with_config(model: Model, text: str) -> tuple[Model, list[str]]:
    """Return the model with the architecture and papers of its `config.json`, and differences from its schema.

    https://github.com/modelhub-ai/modelhub-engine has the schema. Raise `ValueError`, `RecursionError`.
    """
    config = mapping(json.loads(text.removeprefix("\ufeff"), strict=False))  # line ends in strings are accepted
    listed, departures = publications(config.get("publication"))
    sources = (string(each.get(key)) for each in listed for key in ("url", "bibtex"))
    architecture = string(mapping(config.get("model")).get("architecture"))
    papers = dois("\n".join(source for source in sources if source))
    return replace(model, architecture=architecture, papers=papers), departures


def publications(value: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the publications of a config, and differences from its schema; some have a list instead of an object.

    >>> publications([{"url": "https://arxiv.org/abs/1512.03385"}, "x"])
    ([{'url': 'https://arxiv.org/abs/1512.03385'}], ['publication.[] is a string'])
    """
    if isinstance(value, list):
        others = [f"publication.[] is a {_kind(each)}" for each in value if not isinstance(each, dict)]
        return [each for each in value if isinstance(each, dict)], list(dict.fromkeys(others))
    if value is None or isinstance(value, dict):
        return [mapping(value)], []
    return [], [f"publication is a {_kind(value)}"]


def _kind(value: Any) -> str:
    names = {str: "string", bool: "boolean", list: "list", type(None): "null"}
    return names.get(type(value), "number")
