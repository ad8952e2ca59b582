"""What the spiders yield and the pipelines work on."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True, slots=True)
class RawPage:
    """An answer of the hub, kept as it came."""

    path: str  # below data/HUB/, under html/ or json/metadata/
    body: bytes


@dataclass(slots=True)
class Metadata:
    """An object as the hub gave it: its JSON text, and the value of that. One that is an item itself is no model's."""

    text: str
    value: Any
    file: str | None = None  # under json/metadata/ that keeps it; None: the spider's


@dataclass(kw_only=True, slots=True)
class ListingPage:
    """A page of the listing has come, and all that was before it has been yielded: a crawl that is cut goes on here."""

    url: str
    following: str | None  # URL of the next page; None of the last one
    body: bytes


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

    key: str  # what the hub tells its models apart by
    metadata: Metadata
    name: str
    owner: str
    url: str
    owner_url: str
    repository: str | None = None  # clone URL
    folder: str | None = None  # AUTHOR/MODEL, where the clone stands below repos/
    commit: str | None = None  # told by the hub, else set once the repository was asked
    gated: bool = False
    popularity: int = 0  # downloads, else stars, else 0
    task: str | None = None
    architecture: str | None = None
    papers: list[str] = field(default_factory=list)  # DOIs
    datasets: list[Dataset] = field(default_factory=list)
    license: str | None = None
    library: str | None = None
    downloads: int | None = None
    likes: int | None = None
    tags: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    base_models: list[str] = field(default_factory=list)
    created: str | None = None  # RFC 3339
    modified: str | None = None  # RFC 3339
    parameters: int | None = None
    bytes: int | None = None
    hub_id: str | None = None  # what the hub knows it by, whatever its name
    position: int | None = None  # of `metadata` in its file, set by MetadataPipeline


@dataclass(kw_only=True, slots=True)
class RejectedModel:
    """An object of the hub's listing of which no Model can be made."""

    metadata: Metadata
    reason: str  # a few words, the same for all of its kind
    detail: str = ""
    name: str | None = None
    repository: str | None = None  # what it gave for one, if that is why
    position: int | None = None
