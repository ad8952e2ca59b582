"""Properties of a hub: the base of every spider, without Scrapy."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ptmtorrent_scrapy.crawl.selection import Selection
from ptmtorrent_scrapy.formats.repository_urls import repository
from ptmtorrent_scrapy.items import Dataset, Metadata, Model
from ptmtorrent_scrapy.records.record import RecordHub
from ptmtorrent_scrapy.storage.tree import DataTree


class Hub:
    """A hub, as its spider describes it to pipelines and extensions."""

    name: str
    hub: ClassVar[str]  # its name
    model_hub_name: ClassVar[str] = ""  # `ModelHubName` of its records, if PTMTorrent writes the name in another way
    hub_url: str
    metadata: ClassVar[str]  # file under json/metadata/ that keeps the objects of the models
    raw_pages: ClassVar[tuple[str, ...]] = ()  # patterns of other saved pages, below the hub's folder
    url_settings: ClassVar[tuple[str, ...]]  # settings that must be URLs
    repository_settings: ClassVar[tuple[str, ...]] = ()  # those of them that are git repositories: they list the models
    clone_files: ClassVar[tuple[str, ...]] = ()  # files of a clone that `with_clone` reads
    datasets: ClassVar[tuple[str, str] | None] = None  # hub and metadata file of the datasets that its models name
    token: tuple[str, str] | None = None  # base URL of the hub's own host, and the token for that host
    fields: Sequence[str] = ()  # that the listing requests, if the hub gives a choice
    has_records: ClassVar[bool] = True  # whether it lists models, which get records
    given: dict[str, Any]  # arguments of the user
    selection: Selection
    lfs: str | None  # which large files to fetch; None: as CLONE_LFS says

    def with_clone(self, model: Model, files: Mapping[str, bytes]) -> Model:
        """Return the model with the fields from those of `clone_files` that its clone has."""
        return model

    def dataset_papers(self, listed: dict[str, Any]) -> list[str]:
        """Return the DOIs of the papers of a dataset, from its object in the listing of `datasets`."""
        return []

    def is_own_dataset(self, dataset: Dataset) -> bool:
        """Return whether a dataset has its page on this hub."""
        return dataset.url.startswith(f"{self.hub_url}/")

    def recorded(self, record: Mapping[str, Any], found: Mapping[str, Any] | None) -> Model | None:
        """Return the model of a record on disk, for selection and cloning; None if it names no repository.

        `found` is the hub's own object.
        """
        named = repository(str(record.get("ModelRepositoryURL", "")))
        if named is None:
            return None
        return Model(
            key=f"{record['ModelName']}#{record['id']}",
            metadata=Metadata("", None),
            name=record["ModelName"],
            owner=record["ModelOwner"],
            url=record["ModelURL"],
            owner_url=record["ModelOwnerURL"],
            repository=record["ModelRepositoryURL"],
            folder=named.folder,
            commit=record["LatestGitCommitSHA"],
            popularity=record.get("ModelDownloads") or record.get("ModelLikes") or 0,
            task=record.get("ModelTask"),
            license=record.get("ModelLicense"),
            library=record.get("ModelLibrary"),
            downloads=record.get("ModelDownloads"),
        )

    def record_hub(self, tree: DataTree, file: str | None = None) -> RecordHub:
        """Return the hub for records whose objects are in a file under json/metadata/, by default in `metadata`."""
        path = tree.seen_from_outside(tree.page(f"json/metadata/{file or self.metadata}"))
        return RecordHub(name=self.model_hub_name or self.hub, url=self.hub_url, metadata_path=path)

    async def files(self, url: str, commit: str | None) -> list[tuple[int, bool]] | None:
        """Return (bytes, whether it is a large file) of each file of a repository; None if the hub has no list."""
        return None

    def listing_failed(self, why: str) -> None:
        """End the crawl once it is idle, since the listing is incomplete; previous data is kept."""
        raise NotImplementedError
