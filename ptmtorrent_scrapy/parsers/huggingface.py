"""Models of Hugging Face, from the objects of its API.

https://huggingface.co/docs/hub/api
"""

import re
from typing import Any

from ptmtorrent_scrapy.formats.dois import arxiv_doi
from ptmtorrent_scrapy.formats.raw_json import count, elements, mapping, string, strings
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.huggingface_cards import Tags, base_models, datasets, license_of
from ptmtorrent_scrapy.parsers.huggingface_objects import boolean, by_kind, matching, repository_fields

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
# https://huggingface.co/docs/hub/api: `createdAt` of all repositories from before the hub kept it
_BEFORE_DATES = "2022-03-02T23:29:0"
_PACKED = {"I32", "U32", "I8", "U8"}  # types of a number that holds several weights of a quantized model
# in the template of cards: the paper of the carbon calculator, not of the model
_CARD_TEMPLATE_PAPER = "10.48550/arXiv.1910.09700"


def model(metadata: Metadata, base: str) -> Model:
    """Return the model of an object, of the listing or of a single answer; `base` is the URL of the hub.

    Raise `NotAModel`.
    """
    listed = mapping(metadata.value)
    common = repository_fields(metadata, base)
    config, tagged = mapping(listed.get("config")), by_kind(common["tags"])
    size, doubts = parameters(listed, config)
    return Model(
        **common,
        **card_fields(listed, tagged, common["url"], base),
        disabled=boolean(listed.get("disabled")),
        popularity=common["downloads"] or 0,
        task=string(listed.get("pipeline_tag")),
        architecture=architecture(config, tagged),
        papers=papers(tagged),
        library=string(listed.get("library_name")),
        downloads_all_time=count(listed.get("downloadsAllTime")),
        created=created(listed.get("createdAt")),
        modified=matching(_TIME, listed.get("lastModified")),
        parameters=size,
        doubts=doubts,
        bytes=count(listed.get("usedStorage")),
    )


def card_fields(listed: dict[str, Any], tagged: Tags, url: str, base: str) -> dict[str, Any]:
    """Return the fields of a Model from its card; `url` is the URL of the repository, `base` that of the hub."""
    card = mapping(listed.get("cardData"))
    terms = license_of(card, tagged, url)
    bases = base_models(listed, card, tagged, base)
    trained_on, mentions = datasets(listed, card, tagged, base)
    return {
        "datasets": trained_on,
        "dataset_mentions": mentions,
        "license": terms.name,
        "license_url": terms.url,
        "license_spdx": terms.spdx,
        "languages": languages(card.get("language")),
        "base_models": bases.ids,
        "base_model_relation": bases.relation,
    }


def files(text: str) -> list[tuple[int, bool]]:
    """Return (bytes, whether it is an LFS file) of the files in a page of `/api/models/ID/tree/REVISION`.

    https://huggingface.co/docs/hub/api
    """
    try:
        listed = [mapping(entry.value) for entry in elements(text)]
    except (ValueError, RecursionError):
        return []
    return [(count(file.get("size")) or 0, bool(file.get("lfs"))) for file in listed if file.get("type") == "file"]


def architecture(config: dict[str, Any], tagged: Tags) -> str | None:
    """Return the model's type, else the first of its classes, else its diffusers pipeline."""
    pipeline = string(mapping(config.get("diffusers")).get("_class_name"))
    classes = (*strings(config.get("architectures")), *tagged.get("diffusers", ()), pipeline)
    return string(config.get("model_type")) or classes[0]


def parameters(listed: dict[str, Any], config: dict[str, Any]) -> tuple[int | None, list[str]]:
    """Return the number of parameters, and a doubt about it.

    `safetensors.total` sometimes differs much from the sum of `safetensors.parameters`. Then the sum is right, unless
    several weights are packed into one number; in that case the number is unknown.

    >>> parameters({"safetensors": {"parameters": {"BF16": 7_615_616_512}, "total": 333_312}}, {})
    (7615616512, [])
    """
    weights = mapping(listed.get("safetensors"))
    if not weights:
        return count(mapping(listed.get("gguf")).get("total")) or None, []
    total = count(weights.get("total"))
    by_type = {name: number for name, number in mapping(weights.get("parameters")).items() if count(number) is not None}
    added = count(sum(by_type.values()))
    if not added or (total is not None and abs(total - added) * 20 <= added):
        return total, []
    if total is not None and not _PACKED.isdisjoint(by_type) and mapping(config.get("quantization_config")):
        return None, ["parameters of packed weights unknown"]
    return added, []


def created(value: Any) -> str | None:
    """Return the time of creation; None for the one that all repositories from before it was kept have."""
    time = matching(_TIME, value)
    return None if time and time.startswith(_BEFORE_DATES) else time


def languages(value: Any) -> list[str]:
    """Return the languages of a card. Norwegian, `no`, arrives as false, its meaning in YAML.

    >>> languages([False, "nn"])
    ['no', 'nn']
    """
    if isinstance(value, list) and False in value:
        value = ["no" if each is False else each for each in value]
    return strings(value)


def papers(tagged: Tags) -> list[str]:
    """Return the DOIs of the papers in `arxiv:` tags; a `doi:` tag is the repository's own."""
    if "arxiv" not in tagged:
        return []
    found = dict.fromkeys(doi for identifier in tagged["arxiv"] if (doi := arxiv_doi(identifier)))
    return [doi for doi in found if doi != _CARD_TEMPLATE_PAPER]


def dataset_papers(listed: dict[str, Any]) -> list[str]:
    """Return the DOIs of the papers of a dataset, from its object in the listing of datasets."""
    return papers(by_kind(strings(listed.get("tags"))))
