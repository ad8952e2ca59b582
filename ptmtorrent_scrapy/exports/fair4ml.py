"""FAIR4ML: models as JSON-LD, one line per model.

https://w3id.org/fair4ml, version 0.1.0, with schema.org and CodeMeta. docs/export.md has the mapping.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

import orjson

from ptmtorrent_scrapy.exports.huggingface import LISTINGS
from ptmtorrent_scrapy.exports.output import Output
from ptmtorrent_scrapy.exports.source import Advance, Progress, Source
from ptmtorrent_scrapy.exports.values import items, mapping, name, names, number, text, whole

FILE = "fair4ml.jsonl"
CONTEXT = {
    "fair4ml": "https://w3id.org/fair4ml#",
    "schema": "http://schema.org/",
    "codemeta": "https://w3id.org/codemeta/",
    "cr": "http://mlcommons.org/croissant/",
}
_FINE_TUNED = ("finetune", "adapter")
_EVALUATIONS = 100  # of a model; some cards have thousands
_RESERVED = ":/?#[]@!$&'()*+,;=%~"  # characters of a URL that stay as they are (RFC 3986)
_SHA1 = re.compile(r"[0-9a-f]{40}")

Node = dict[str, Any]


def write(output: Output, found: Sequence[Source], advance: Advance) -> list[str]:
    """Write the models of the hubs; return the file's name. Raise `OSError`."""
    rows = 0
    with output.new(FILE).open("wb", buffering=1 << 20) as file:
        for source in found:
            progress = Progress(advance, f"{source.hub.name} to FAIR4ML", source.pair, source.pair.size)
            for record, listed in source.pair.records():
                file.write(orjson.dumps(node(source.hub.name, record, mapping(listed))) + b"\n")
                rows += 1
                progress.step()
            progress.end()
    output.complete(FILE, rows)
    return [FILE]


def node(hub: str, record: Node, listed: Node) -> Node:
    """Return the node of a model from its record and further fields of the hub's own object."""
    return {"@context": CONTEXT, **{key: value for key, value in _properties(hub, record, listed) if value}}


def _properties(hub: str, record: Node, listed: Node) -> Iterator[tuple[str, Any]]:
    """Yield the properties of a model; `node` drops those without a value."""
    base = text(mapping(record.get("ModelHub")).get("ModelHubURL")) or ""
    yield from _identity(hub, record)
    yield "fair4ml:sharedBy", _owner(record)
    yield "fair4ml:mlTask", text(record.get("ModelTask"))
    yield "fair4ml:modelCategory", text(record.get("ModelArchitecture"))
    yield from _lineage(base, record)
    yield from _datasets(record)
    papers = names(record.get("ModelPaperDOIs"))
    yield "codemeta:referencePublication", [_link(f"https://doi.org/{doi}") for doi in papers]
    yield "schema:license", _licenses(record)
    yield from _repository(record)
    yield "schema:conditionsOfAccess", _access(record.get("ModelGated"))
    yield "schema:interactionStatistic", list(_counters(record))
    yield from _card(record, listed)


def _identity(hub: str, record: Node) -> Iterator[tuple[str, Any]]:
    """Yield the names of the model and its version."""
    is_named_by_url = hub == LISTINGS["models"][0]  # at other hubs several models may share a URL
    sha = text(record.get("LatestGitCommitSHA"))
    yield "@id", _iri(record["ModelURL"] if is_named_by_url else f"{record['ModelURL']}#{record['ModelName']}")
    yield "@type", "fair4ml:MLModel"
    yield "schema:name", text(record["ModelName"])
    yield "schema:url", _link(record["ModelURL"])
    yield "schema:identifier", [f"swh:1:rev:{sha}"] if sha and _SHA1.fullmatch(sha) else []
    yield "schema:version", sha


def _repository(record: Node) -> Iterator[tuple[str, Any]]:
    """Yield properties of the model's repository."""
    yield "schema:keywords", names(record.get("ModelTags"))
    yield "schema:inLanguage", names(record.get("ModelLanguages"))
    yield "schema:softwareRequirements", text(record.get("ModelLibrary"))
    yield "schema:codeRepository", _link(record.get("ModelRepositoryURL"))
    yield "schema:dateCreated", _time(record.get("ModelCreated"))
    yield "schema:dateModified", _time(record.get("ModelModified"))
    yield "schema:storageRequirements", f"{size} bytes" if (size := whole(record.get("ModelBytes"))) else None


def _owner(record: Node) -> Node:
    """Return the account as an organization: no listing says whether it belongs to a person, and most do not."""
    owner = {"@type": "schema:Organization", "schema:name": text(record["ModelOwner"])}
    link = _link(record.get("ModelOwnerURL"))
    return {**link, **owner} if link else owner


def _lineage(base: str, record: Node) -> Iterator[tuple[str, Any]]:
    """Yield the base models; a quantized or merged model is not fine-tuned."""
    relation = record.get("ModelBaseModelRelation")
    models = [
        {"@id": _iri(f"{base}/{each}"), "@type": "fair4ml:MLModel", "schema:name": each}
        for each in names(record.get("ModelBaseModels"))
    ]
    yield ("fair4ml:fineTunedFrom" if relation in _FINE_TUNED else "schema:isBasedOn"), models


def _datasets(record: Node) -> Iterator[tuple[str, Any]]:
    by_usage: dict[str, list[Node]] = {"train": [], "eval": []}
    for each in map(mapping, items(record.get("Datasets"))):
        for usage in names(each.get("DatasetUsages")):
            if usage in by_usage and (called := name(each.get("DatasetName"))):
                by_usage[usage].append(_dataset(called, _link(each.get("DatasetURL"))))
    yield "fair4ml:trainedOn", by_usage["train"]
    yield "fair4ml:evaluatedOn", by_usage["eval"]


def _dataset(called: str, link: Node | None) -> Node:
    return {**(link or {}), "@type": ["schema:Dataset", "cr:Dataset"], "schema:name": called}


def _licenses(record: Node) -> Any:
    """Return the licences by their SPDX addresses, else the address or name that the hub gives."""
    if spdx := names(record.get("ModelLicenseSPDX")):
        return [_link(f"https://spdx.org/licenses/{each}") for each in spdx]
    return _link(record.get("ModelLicenseURL")) or text(record.get("ModelLicense"))


def _access(gated: Any) -> str | None:
    if gated in (None, False, "false"):
        return None
    return f"gated ({gated})" if isinstance(gated, str) else "gated"


def _counters(record: Node) -> Iterator[Node]:
    for field, action in (("ModelDownloads", "schema:DownloadAction"), ("ModelLikes", "schema:LikeAction")):
        if (count := whole(record.get(field))) is not None:
            yield {
                "@type": "schema:InteractionCounter",
                "schema:interactionType": {"@id": action},
                "schema:userInteractionCount": count,
            }


def _card(record: Node, listed: Node) -> Iterator[tuple[str, Any]]:
    """Yield emissions and evaluations from the card, which records do not have."""
    card = mapping(listed.get("cardData"))
    emissions = card.get("co2_eq_emissions")
    grams = number(mapping(emissions).get("emissions") if isinstance(emissions, dict) else emissions)
    yield "fair4ml:hasCO2eEmissions", f"{grams:g} g" if grams is not None else None
    index = items(listed.get("model-index") or card.get("model-index"))
    yield "fair4ml:hasEvaluation", list(islice(_evaluations(index), _EVALUATIONS))


def _evaluations(index: list[Any]) -> Iterator[Node]:
    """Yield the evaluations of a card's `model-index`, one per metric."""
    for result in (mapping(each) for model in index for each in items(mapping(model).get("results"))):
        dataset = mapping(result.get("dataset"))
        called = name(dataset.get("name")) or name(dataset.get("type"))
        for metric in map(mapping, items(result.get("metrics"))):
            measured, value = name(metric.get("name")) or name(metric.get("type")), metric.get("value")
            if measured and isinstance(value, int | float | str) and not isinstance(value, bool):
                found: Node = {
                    "@type": "fair4ml:MLModelEvaluation",
                    "fair4ml:evaluationMetrics": measured,
                    "fair4ml:evaluationResults": str(value)[:1000],
                }
                yield {**found, "fair4ml:evaluationDataset": _dataset(called, None)} if called else found


def _time(value: Any) -> Node | None:
    return {"@type": "schema:DateTime", "@value": found} if (found := text(value)) else None


def _link(url: Any) -> Node | None:
    return {"@id": _iri(url)} if text(url) else None


def _iri(url: str) -> str:
    """Return a URL in which characters that RFC 3986 does not allow are escaped.

    >>> _iri("https://hub.example/a b/<ü>")
    'https://hub.example/a%20b/%3C%C3%BC%3E'
    """
    return quote(url, safe=_RESERVED)
