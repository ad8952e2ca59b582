"""The PTMTorrent record of a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ptmtorrent_scrapy.items import Dataset, Model


@dataclass(frozen=True, kw_only=True)
class Hub:
    """The hub of a record's model, as the record names it."""

    name: str
    url: str
    metadata_path: str  # of the file that holds the model's object, from the folder that holds the data tree


def record(model: Model, hub: Hub) -> dict[str, Any]:
    """The record of a model; its `id` is 0 until it has its place in the file.

    What is not known is left out: the published schema takes no empty array, and nobody wants to tell "" from "N/A".
    """
    return {
        "id": 0,
        "ModelHub": {
            "ModelHubName": hub.name,
            "ModelHubURL": hub.url,
            "MetadataFilePath": hub.metadata_path,
            "MetadataObjectID": model.position,
        },
        "ModelName": model.name,
        "ModelOwner": model.owner,
        "ModelURL": model.url,
        "ModelOwnerURL": model.owner_url,
        "LatestGitCommitSHA": model.commit,
        **{name: value for name, value in _optional(model) if value is not None and value != []},
    }


def _optional(model: Model) -> Iterator[tuple[str, Any]]:
    yield "Datasets", [_dataset(dataset) for dataset in model.datasets]
    yield "ModelPaperDOIs", model.papers
    yield "ModelTask", model.task
    yield "ModelArchitecture", model.architecture
    yield "ModelLicense", model.license
    yield "ModelLibrary", model.library
    yield "ModelDownloads", model.downloads
    yield "ModelLikes", model.likes
    yield "ModelTags", model.tags
    yield "ModelLanguages", model.languages
    yield "ModelBaseModels", model.base_models
    yield "ModelCreated", model.created
    yield "ModelModified", model.modified
    yield "ModelParameters", model.parameters
    yield "ModelBytes", model.bytes


def _dataset(dataset: Dataset) -> dict[str, Any]:
    described: dict[str, Any] = {
        "DatasetName": dataset.name,
        "DatasetOwner": dataset.owner,
        "DatasetURL": dataset.url,
        "DatasetOwnerURL": dataset.owner_url,
    }
    if dataset.paper:
        described["DatasetPaperDOI"] = dataset.paper
    if dataset.usages:
        described["DatasetUsages"] = dataset.usages
    return described
