"""Items that spiders yield and pipelines process."""

from asyncio import Event
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True, slots=True)
class RawPage:
    """An answer of the hub, saved as received."""

    path: str  # below data/HUB/, under html/ or json/metadata/
    body: bytes


@dataclass(slots=True)
class Metadata:
    """An object as the hub sent it: its JSON text and its value. Alone, it belongs to no model."""

    text: str
    value: Any
    file: str | None = None  # its file under json/metadata/; None: the spider's
    fault: str | None = None  # why no JSON parser accepts it; then `value` is its text, and `text` that as a string


@dataclass(kw_only=True, slots=True)
class Dataset:
    """A dataset that a model was trained or evaluated on."""

    name: str
    owner: str
    url: str
    owner_url: str
    paper: str | None = None  # DOI
    usages: list[str] = field(default_factory=list)  # train, eval


@dataclass(kw_only=True, slots=True)
class Model:
    """A model as its hub describes it."""

    key: str  # different for each model of the hub
    metadata: Metadata
    name: str
    owner: str
    url: str
    owner_url: str
    repository: str | None = None  # clone URL
    folder: str | None = None  # AUTHOR/MODEL, the path of the clone below repos/
    within: str | None = None  # clone URL of the hub's own repository, if it has the model's files
    commit: str | None = None  # from the hub, else set after asking the repository
    gated: bool | str | None = None  # false, auto or manual
    disabled: bool | None = None
    private: bool | None = None
    popularity: int = 0  # downloads, else stars, else 0
    task: str | None = None
    architecture: str | None = None
    papers: list[str] = field(default_factory=list)  # DOIs
    datasets: list[Dataset] = field(default_factory=list)
    dataset_mentions: list[str] = field(default_factory=list)  # texts that cannot be ids
    license: str | None = None
    license_url: str | None = None
    license_spdx: list[str] = field(default_factory=list)  # SPDX identifiers
    library: str | None = None
    downloads: int | None = None
    downloads_all_time: int | None = None
    likes: int | None = None
    tags: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    base_models: list[str] = field(default_factory=list)  # ids
    base_model_relation: str | None = None  # adapter, finetune, merge or quantized
    created: str | None = None  # RFC 3339
    modified: str | None = None  # RFC 3339
    parameters: int | None = None
    bytes: int | None = None  # of the repository
    doubts: list[str] = field(default_factory=list)  # an implausible value of the hub; the same words for all of a kind
    hub_id: str | None = None  # the hub's own id, which stays when the name changes
    position: int | None = None  # of `metadata` in its file, set by MetadataPipeline


@dataclass(kw_only=True, slots=True)
class RejectedModel:
    """An object of the hub's listing that cannot become a Model."""

    metadata: Metadata
    reason: str  # a few words, the same for all of its kind
    detail: str = ""
    name: str | None = None
    repository: str | None = None  # the hub's value, if that is the reason
    position: int | None = None


@dataclass(kw_only=True, slots=True)
class ListingPage:
    """A page of the listing and its models, which follow the page into the pipelines as items.

    An interrupted crawl resumes here, so a page is yielded once all items of the pages before it are processed.
    """

    url: str
    following: str | None  # URL of the next page; None on the last page
    body: bytes = field(repr=False)
    models: Iterable[Model | RejectedModel] = field(default=(), repr=False)
    processed: Event = field(default_factory=Event, repr=False)  # set after the last model, or when the listing failed
