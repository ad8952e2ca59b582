"""Licences, datasets and base models in a model card on Hugging Face.

https://huggingface.co/docs/hub/model-cards
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from ptmtorrent_scrapy.formats.raw_json import mapping, string, strings
from ptmtorrent_scrapy.formats.spdx import spdx_identifier
from ptmtorrent_scrapy.items import Dataset
from ptmtorrent_scrapy.parsers.huggingface_ids import NOBODY, dataset_id, model_id, web_url, written

# Ids of https://huggingface.co/docs/hub/repositories-licenses that differ from SPDX's. The others are SPDX's, except
# for case, or have no SPDX identifier.
_SPDX = {
    "c-uda": "C-UDA-1.0",
    "lgpl-lr": "LGPLLR",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
}
_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")  # characters that stay the same in a URL

Tags = dict[str, list[str]]  # values of the tags `KIND:VALUE`, by kind


class License(NamedTuple):
    """The licence of a model."""

    name: str | None  # several are joined by ", "
    url: str | None
    spdx: list[str]


class BaseModels(NamedTuple):
    """The base models of a model."""

    ids: list[str]
    relation: str | None  # adapter, finetune, merge or quantized


def web_address(base: str, path: str) -> str:
    """Return the web address of a path on the hub."""
    return f"{base}/{path if _PLAIN.fullmatch(path) else quote(path)}"


def license_of(card: dict[str, Any], tagged: Tags, url: str) -> License:
    """Return the licence in a card, else in a tag; `url` is the URL of the repository.

    The name of `other` is the card's `license_name`; a relative `license_link` is a file of the repository.
    """
    names = strings(card.get("license")) or tagged.get("license") or []
    if "other" in names and (own := string(card.get("license_name"))):
        names = [own if name == "other" else name for name in names]
    spdx = dict.fromkeys(found for name in names if (found := spdx_identifier(_SPDX.get(name.lower(), name))))
    return License(", ".join(names) or None, license_url(card.get("license_link"), url), list(spdx))


def license_url(link: Any, repository: str) -> str | None:
    """Return the URL of a `license_link`.

    >>> license_url("LICENSE", "https://huggingface.co/a/b")
    'https://huggingface.co/a/b/blob/main/LICENSE'
    """
    text = string(link)
    if text is None:
        return None
    if found := web_url(text):
        return found
    path = text.removeprefix("./")
    if not path.isprintable() or re.match(r"[\w+.-]*:|//|\.\./|www\.", path) or " " in path.strip():
        return None
    return f"{repository}/blob/main/{quote(path.lstrip('/'))}"


def base_models(listed: dict[str, Any], card: dict[str, Any], tagged: Tags, base: str) -> BaseModels:
    """Return the base models from the hub, else from tags, else from the card, else from the adapter's config.

    URLs of the hub become ids; local paths and the model itself are skipped.
    """
    for texts, relation in _named_bases(listed, card, tagged):
        own = (string(listed.get("id")) or string(listed.get("modelId")) or "").lower()
        found = {found.lower(): found for text in reversed(texts) if (found := model_id(text, base))}
        found.pop(own, None)
        if found:
            return BaseModels(list(reversed(found.values())), relation if relation in _RELATIONS else None)
    return BaseModels([], None)


def _named_bases(listed: dict[str, Any], card: dict[str, Any], tagged: Tags) -> Iterator[tuple[list[str], str | None]]:
    """Yield (names of base models, relation) of each source, best first."""
    on_card = string(card.get("base_model_relation"))
    if listed_bases := listed.get("baseModels"):
        models = mapping(listed_bases).get("models")
        yield list(written(models)), string(mapping(listed_bases).get("relation")) or on_card
    if tags := tagged.get("base_model"):
        related = [tag.partition(":") for tag in tags]
        names = [name for relation, _, name in related if relation in _RELATIONS]
        relations = {relation for relation, _, name in related if name and relation in _RELATIONS}
        relation = on_card or (relations.pop() if len(relations) == 1 else None)
        yield list(written([*(tag for tag in tags if tag.partition(":")[0] not in _RELATIONS), *names])), relation
    if given := card.get("base_model"):
        yield list(written(given)), on_card
    if peft := mapping(mapping(listed.get("config")).get("peft")):
        yield list(written(peft.get("base_model_name_or_path"))), on_card or "adapter"


def datasets(listed: dict[str, Any], card: dict[str, Any], tagged: Tags, base: str) -> tuple[list[Dataset], list[str]]:
    """Return (datasets of a card and tags, with their usages; other texts there, which cannot be ids)."""
    tags, on_card, index = tagged.get("dataset"), card.get("datasets"), listed.get("model-index")
    index = index or card.get("model-index")
    if not (tags or on_card or index):
        return [], []
    train, evaluated = (*written(tags), *written(on_card)), evaluated_on(index)
    found: dict[str, Dataset] = {}  # by name in lower case: the hub ignores case
    mentions: dict[str, None] = {}
    for usage, names in (("train", train), ("eval", evaluated)):
        for text in names:
            if (made := dataset(text, base)) is None:
                mentions[text] = None
                continue
            made = found.setdefault(made.name.lower(), made)
            if usage not in made.usages:
                made.usages.append(usage)
    return list(found.values()), list(mentions)


def dataset(name: str, base: str) -> Dataset | None:
    """Return the dataset that a card names: an id on the hub, or a URL; None for a text that cannot be either."""
    found = dataset_id(name, base)
    if found:
        owner, slash, _ = found.partition("/")
        owner = owner if slash else NOBODY
        url, owner_url = web_address(base, f"datasets/{found}"), web_address(base, owner)
        return Dataset(name=found, owner=owner, url=url, owner_url=owner_url)
    if elsewhere := web_url(name):
        host = urlsplit(elsewhere)
        return Dataset(name=elsewhere, owner=host.netloc, url=elsewhere, owner_url=f"{host.scheme}://{host.netloc}")
    return None


def evaluated_on(model_index: Any) -> list[str]:
    """Return the distinct ids, else names, of the datasets in a card's `model-index`.

    https://github.com/huggingface/hub-docs/blob/main/modelcard.md
    """
    if not model_index:
        return []
    results = (result for model in _elements(model_index) for result in _elements(mapping(model).get("results")))
    named = (_type_or_name(each) for result in results for each in _elements(mapping(result).get("dataset")))
    return list(dict.fromkeys(name for name in named if name))


def _type_or_name(dataset: Any) -> str | None:
    described = mapping(dataset)
    return next(
        written([dataset if isinstance(dataset, str) else None, described.get("type"), described.get("name")]), None
    )


def _elements(value: Any) -> Iterable[Any]:
    """Return the elements of a list; any other value is the only element."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
