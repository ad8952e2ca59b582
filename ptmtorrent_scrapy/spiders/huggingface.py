"""Hugging Face: its listing tells everything but the repositories' content.

https://huggingface.co/docs/hub/api
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self
from urllib.parse import quote, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from ptmtorrent_scrapy.items import Dataset, Metadata, Model, Unusable
from ptmtorrent_scrapy.jsontext import count, mapping, string, strings
from ptmtorrent_scrapy.papers import arxiv_doi
from ptmtorrent_scrapy.spiders.hub import HubSpider, Unlike

_LISTING = "/api/models?sort=createdAt&limit=1000&full=true&cardData=true&config=true"
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_REPOSITORY_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
_CARD_TEMPLATE_PAPER = (
    "10.48550/arXiv.1910.09700"  # on cards nobody filled in: the carbon calculator's, not the model's
)
_NOBODY = "huggingface"  # owns what has no namespace


class HuggingFaceSpider(HubSpider):
    name = "huggingface"
    hub = "Hugging Face"
    metadata = "hf_metadata.json"
    default_fraction = 0.1
    url_settings = ("HUGGINGFACE_URL",)
    _turn: asyncio.Lock

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.hub_url = crawler.settings["HUGGINGFACE_URL"].rstrip("/")
        spider._turn = asyncio.Lock()
        if token := crawler.settings["HUGGINGFACE_TOKEN"]:
            spider.token = (spider.hub_url, token)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        yield self.page(self.hub_url + _LISTING)

    def page(self, url: str) -> Request:
        return self.request(
            url, self.parse, headers={"Authorization": f"Bearer {self.token[1]}"} if self.token else None
        )

    async def parse(self, response: Response) -> AsyncIterator[Model | Unusable | Request]:
        listing = self.json_array(response)
        if isinstance(listing, Request):
            yield listing
            return
        async with self._turn:  # the next page comes while this one is worked on, and has to wait
            if next_url := self.next_url(response):
                yield self.page(next_url)
            for item in self.models(listing):
                yield item

    def next_url(self, response: Response) -> str | None:
        """The next page's URL, as it is; one that leads elsewhere is not followed, for the token's sake too."""
        match = _NEXT.search(b", ".join(response.headers.getlist("Link")).decode("latin-1"))
        if match is None:
            return None
        if urlsplit(match[1])[:2] != urlsplit(self.hub_url)[:2] or match[1] == response.url:
            self.listing_failed(f"{response.url} names {match[1]} as the next page")
            return None
        return match[1]

    def model(self, metadata: Metadata) -> Model:
        listed = mapping(metadata.value)
        name = string(listed.get("id")) or string(listed.get("modelId"))
        if name is None:
            raise Unlike("no id", "an element of the listing has neither id nor modelId")
        tags, card, config = strings(listed.get("tags")), mapping(listed.get("cardData")), mapping(listed.get("config"))
        namespace, slash, _ = name.partition("/")
        owner = string(listed.get("author")) or (namespace if slash else _NOBODY)
        url = f"{self.hub_url}/{quote(name)}"
        return Model(
            key=name,
            metadata=metadata,
            name=name,
            owner=owner,
            url=url,
            owner_url=f"{self.hub_url}/{quote(owner)}",
            repository=url,
            folder=name if slash else f"huggingface.co/{name}",
            commit=_matching(_COMMIT, listed.get("sha")),
            gated=listed.get("gated") in ("auto", "manual", True),
            popularity=count(listed.get("downloads")) or 0,
            task=string(listed.get("pipeline_tag")),
            architecture=architecture(config, tags),
            papers=papers(tags),
            datasets=list(self.datasets(listed, tags, card)),
            license=", ".join(strings(card.get("license")) or tagged("license", tags)) or None,
            library=string(listed.get("library_name")),
            downloads=count(listed.get("downloads")),
            likes=count(listed.get("likes")),
            tags=tags,
            languages=strings(card.get("language")),
            base_models=strings(card.get("base_model"))
            or [tag for tag in tagged("base_model", tags) if ":" not in tag],
            created=_matching(_TIME, listed.get("createdAt")),
            modified=_matching(_TIME, listed.get("lastModified")),
            parameters=count(mapping(listed.get("safetensors")).get("total"))
            or count(mapping(listed.get("gguf")).get("total")),
            bytes=count(listed.get("usedStorage")),
        )

    def datasets(self, listed: dict[str, Any], tags: list[str], card: dict[str, Any]) -> Iterator[Dataset]:
        usages: dict[str, list[str]] = {}
        for name in dict.fromkeys([*tagged("dataset", tags), *strings(card.get("datasets"))]):
            usages[name] = ["train"]
        for name in evaluated_on(listed.get("model-index") or card.get("model-index")):
            usages[name] = [*usages.get(name, []), "eval"]
        for name, usage in usages.items():
            yield self.dataset(name, usage)

    def dataset(self, name: str, usages: list[str]) -> Dataset:
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
            url=f"{self.hub_url}/datasets/{quote(name)}",
            owner_url=f"{self.hub_url}/{quote(owner)}",
            usages=usages,
        )


def tagged(kind: str, tags: list[str]) -> list[str]:
    """What the tags `KIND:...` say.

    >>> tagged("license", ["pytorch", "license:mit"])
    ['mit']
    """
    return [value for tag in tags if tag.startswith(f"{kind}:") and (value := tag[len(kind) + 1 :].strip())]


def architecture(config: dict[str, Any], tags: list[str]) -> str | None:
    """The model's type, else the first of its classes, else its diffusers pipeline."""
    classes = [*strings(config.get("architectures")), *tagged("diffusers", tags), None]
    return string(config.get("model_type")) or classes[0]


def papers(tags: list[str]) -> list[str]:
    """DOIs of the papers in `arxiv:` tags; a `doi:` tag is the repository's own."""
    found = dict.fromkeys(doi for identifier in tagged("arxiv", tags) if (doi := arxiv_doi(identifier)))
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
