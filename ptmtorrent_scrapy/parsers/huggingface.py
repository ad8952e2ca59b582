"""What Hugging Face's listing says of a model.

https://huggingface.co/docs/hub/api
"""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from ptmtorrent_scrapy.formats.dois import arxiv_doi
from ptmtorrent_scrapy.formats.raw_json import count, elements, mapping, string, strings
from ptmtorrent_scrapy.items import Dataset, Metadata, Model
from ptmtorrent_scrapy.parsers.errors import NotAModel

_REPOSITORY_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
_CARD_TEMPLATE_PAPER = (
    "10.48550/arXiv.1910.09700"  # on cards nobody filled in: the carbon calculator's, not the model's
)
_HUB_ID = re.compile(r"[0-9a-f]{24}")
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")  # what stands in a URL as it is
_NOBODY = "huggingface"  # owns what has no namespace

Kinds = dict[str, list[str]]  # of tags `KIND:...`, what they say by kind


def model(metadata: Metadata, base: str) -> Model:
    """The model that an object of the listing describes; `base` is the URL of the hub. Raises `NotAModel`."""
    listed = mapping(metadata.value)
    name = string(listed.get("id")) or string(listed.get("modelId"))
    if name is None:
        raise NotAModel("no id", "an element of the listing has neither id nor modelId")
    card, config, tags = mapping(listed.get("cardData")), mapping(listed.get("config")), strings(listed.get("tags"))
    tagged = by_kind(tags)
    namespace, slash, _ = name.partition("/")
    owner = string(listed.get("author")) or (namespace if slash else _NOBODY)
    url = web_address(base, name)
    downloads = count(listed.get("downloads"))
    return Model(
        key=name,
        metadata=metadata,
        name=name,
        owner=owner,
        url=url,
        owner_url=web_address(base, owner),
        repository=url,
        folder=name if slash else f"huggingface.co/{name}",
        commit=_matching(_COMMIT, listed.get("sha")),
        gated=listed.get("gated") in ("auto", "manual", True),
        popularity=downloads or 0,
        task=string(listed.get("pipeline_tag")),
        architecture=architecture(config, tagged),
        papers=papers(tagged),
        datasets=datasets(listed, card, tagged, base),
        license=", ".join(strings(card.get("license")) or tagged.get("license", ())) or None,
        library=string(listed.get("library_name")),
        downloads=downloads,
        likes=count(listed.get("likes")),
        tags=tags,
        languages=strings(card.get("language")),
        base_models=strings(card.get("base_model"))
        or [base for base in tagged.get("base_model", ()) if ":" not in base],
        created=_matching(_TIME, listed.get("createdAt")),
        modified=_matching(_TIME, listed.get("lastModified")),
        parameters=count(mapping(listed.get("safetensors")).get("total"))
        or count(mapping(listed.get("gguf")).get("total")),
        bytes=count(listed.get("usedStorage")),
        hub_id=_matching(_HUB_ID, listed.get("_id")),
    )


def files(text: str) -> list[tuple[int, bool]]:
    """(bytes, whether it is a large one) of the files in a page of `/api/models/ID/tree/REVISION`.

    https://huggingface.co/docs/hub/api
    """
    try:
        listed = [mapping(entry.value) for entry in elements(text)]
    except (ValueError, RecursionError):
        return []
    return [(count(file.get("size")) or 0, bool(file.get("lfs"))) for file in listed if file.get("type") == "file"]


def web_address(base: str, path: str) -> str:
    """The address of what has this path on the hub."""
    return f"{base}/{path if _PLAIN.fullmatch(path) else quote(path)}"


def datasets(listed: dict[str, Any], card: dict[str, Any], tagged: Kinds, base: str) -> list[Dataset]:
    """What cards and tags name as datasets, and how they were used."""
    usages = {name: ["train"] for name in (*tagged.get("dataset", ()), *strings(card.get("datasets")))}
    for name in evaluated_on(listed.get("model-index") or card.get("model-index")):
        usages[name] = [*usages.get(name, ()), "eval"]
    return [dataset(name, usage, base) for name, usage in usages.items()]


def dataset(name: str, usages: list[str], base: str) -> Dataset:
    """A dataset by what cards call it: an id on the hub, mostly; a URL or a few words, sometimes."""
    host = urlsplit(name) if re.match(r"https?://[\w.-]+", name) else None
    if host and name.isprintable() and " " not in name:
        return Dataset(
            name=name, owner=host.netloc, url=name, owner_url=f"{host.scheme}://{host.netloc}", usages=usages
        )
    owner = name.partition("/")[0] if _REPOSITORY_ID.fullmatch(name) else _NOBODY
    return Dataset(
        name=name,
        owner=owner,
        url=web_address(base, f"datasets/{name}"),
        owner_url=web_address(base, owner),
        usages=usages,
    )


def by_kind(tags: list[str]) -> Kinds:
    """What the tags `KIND:...` say, by kind.

    >>> by_kind(["pytorch", "license:mit", "dataset:imdb", "dataset:glue"])
    {'license': ['mit'], 'dataset': ['imdb', 'glue']}
    """
    kinds: Kinds = {}
    for tag in tags:
        kind, _, value = tag.partition(":")
        if value := value.strip():
            kinds.setdefault(kind, []).append(value)
    return kinds


def architecture(config: dict[str, Any], tagged: Kinds) -> str | None:
    """The model's type, else the first of its classes, else its diffusers pipeline."""
    classes = (*strings(config.get("architectures")), *tagged.get("diffusers", ()), None)
    return string(config.get("model_type")) or classes[0]


def papers(tagged: Kinds) -> list[str]:
    """DOIs of the papers in `arxiv:` tags; a `doi:` tag is the repository's own."""
    found = dict.fromkeys(doi for identifier in tagged.get("arxiv", ()) if (doi := arxiv_doi(identifier)))
    return [doi for doi in found if doi != _CARD_TEMPLATE_PAPER]


def evaluated_on(model_index: Any) -> list[str]:
    """Ids, else names, of the datasets in a card's `model-index`, each once.

    https://github.com/huggingface/hub-docs/blob/main/modelcard.md
    """
    found = []
    for model in model_index if isinstance(model_index, list) else []:
        results = mapping(model).get("results")
        for result in results if isinstance(results, list) else []:
            dataset = mapping(mapping(result).get("dataset"))
            found.append(string(dataset.get("type")) or string(dataset.get("name")))
    return list(dict.fromkeys(name for name in found if name))


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
