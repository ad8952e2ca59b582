"""The PTMTorrent record of a model."""

from dataclasses import dataclass
from typing import Any

from ptmtorrent_scrapy.items import Dataset, Model


@dataclass(frozen=True, kw_only=True)
class RecordHub:
    """The hub of a record's model, as the record names it."""

    name: str
    url: str
    metadata_path: str  # of the file with the model's object, relative to the folder that holds the data tree


def record(model: Model, hub: RecordHub) -> dict[str, Any]:
    """Return the record of a model; its `id` is 0 until it has its place in the file.

    A field without a value is absent, since the published schema accepts no empty array.
    """
    optional = _model_fields(model) | _hub_fields(model)
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
        **{name: value for name, value in optional.items() if value is not None and value != []},
    }


def with_clone(record: dict[str, Any], path: str, size: int | None) -> dict[str, Any]:
    """Return a record with the path of its clone below the hub's folder, and the bytes of the clone's files."""
    return {**record, "ModelRepositoryPath": path, **({} if size is None else {"ModelBytes": size})}


def _model_fields(model: Model) -> dict[str, Any]:
    """Return the fields about the model and its origin."""
    return {
        "Datasets": [_dataset(dataset) for dataset in model.datasets],
        "ModelDatasetMentions": model.dataset_mentions,
        "ModelPaperDOIs": model.papers,
        "ModelTask": model.task,
        "ModelArchitecture": model.architecture,
        "ModelRepositoryURL": model.repository or model.within,
        "ModelLicense": model.license,
        "ModelLicenseURL": model.license_url,
        "ModelLicenseSPDX": model.license_spdx,
        "ModelLibrary": model.library,
    }


def _hub_fields(model: Model) -> dict[str, Any]:
    """Return the fields that the hub counts or notes about the model."""
    return {
        "ModelDownloads": model.downloads,
        "ModelDownloadsAllTime": model.downloads_all_time,
        "ModelLikes": model.likes,
        "ModelTags": model.tags,
        "ModelLanguages": model.languages,
        "ModelBaseModels": model.base_models,
        "ModelBaseModelRelation": model.base_model_relation,
        "ModelCreated": model.created,
        "ModelModified": model.modified,
        "ModelParameters": model.parameters,
        "ModelBytes": model.bytes,
        "ModelGated": model.gated,
        "ModelDisabled": model.disabled,
        "ModelPrivate": model.private,
    }


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
