"""Data trees in the form of crawled ones, for tests that need no crawl."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.storage.atomic import JsonArrayFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"

BERT, TUNED, PLAIN = "org/bert", "lab/bert-tuned", "gpt2"
SHARED = "ab" * 32  # SHA-256 of weights in two repositories


def listed(index: int, name: str = "", **fields: Any) -> dict[str, Any]:
    """Return an object of Hugging Face's listing."""
    name = name or f"org/model-{index}"
    return {
        "_id": f"{index:024x}",
        "id": name,
        "author": name.partition("/")[0],
        "sha": COMMIT,
        "createdAt": "2024-01-02T03:04:05.000Z",
        "lastModified": "2024-02-03T04:05:06.000Z",
        "downloads": 1000 - index,
        "likes": index,
        "gated": False,
        "private": False,
        "tags": ["pytorch", "license:mit"],
        **fields,
    }


def record(position: int, name: str, *, hub: str = "huggingface", file: str = "hf_metadata.json", **fields: Any) -> Any:
    """Return a record; `position` is that of its object."""
    owner = name.partition("/")[0]
    return {
        "id": position,
        "ModelHub": {
            "ModelHubName": hub.title(),
            "ModelHubURL": f"https://{hub}.example",
            "MetadataFilePath": f"data/{hub}/json/metadata/{file}",
            "MetadataObjectID": position,
        },
        "ModelName": name,
        "ModelOwner": owner,
        "ModelURL": f"https://{hub}.example/{name}",
        "ModelOwnerURL": f"https://{hub}.example/{owner}",
        "LatestGitCommitSHA": COMMIT,
        **fields,
    }


def crawl_line(hub: str = "huggingface", **fields: Any) -> dict[str, Any]:
    """Return a line of crawls.jsonl."""
    return {
        "started": "2026-01-01T00:00:00.000+00:00",
        "ended": "2026-01-01T01:00:00.000+00:00",
        "version": "0.1.0",
        "hub": hub,
        "counts": {"records": 1},
        "reason": "finished",
        **fields,
    }


def write_array(path: Path, texts: Iterable[str | bytes | Mapping[str, Any]]) -> None:
    """Write an array as crawls do, of objects or JSON texts."""
    array = JsonArrayFile(path)
    for text in texts:
        array.append(
            text if isinstance(text, bytes) else (text if isinstance(text, str) else json.dumps(text)).encode()
        )
    array.commit()


def write_lines(path: Path, lines: Iterable[Any]) -> None:
    """Write a file of JSON lines, of objects or texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))


def write_hub(
    root: Path,
    hub: str = "huggingface",
    /,
    *,
    records: Sequence[Any] | None = (),
    objects: Mapping[str, Sequence[Any]] | None = None,
    **files: Sequence[Any],
) -> Path:
    """Write a hub's folder: records (None: no such file), metadata files, and `.jsonl` files by their stem."""
    folder = root / hub
    for name, elements in (objects or {}).items():
        write_array(folder / "json" / "metadata" / name, elements)
    if records is not None:
        write_array(folder / "json" / f"{hub}.json", records)
    for stem, lines in {"crawls": [crawl_line(hub)], **files}.items():
        write_lines(folder / "json" / f"{stem}.jsonl", lines)
    return folder


def write_models(root: Path, models: Sequence[Mapping[str, Any]], **files: Sequence[Any]) -> Path:
    """Write Hugging Face's folder with these objects, and a minimal record for each."""
    records = [record(position, model["id"]) for position, model in enumerate(models)]
    return write_hub(root, records=records, objects={"hf_metadata.json": list(models)}, **files)


def write_example(root: Path) -> None:
    """Write a tree of two hubs, and of spaces, with something in each file."""
    objects = [
        listed(2, PLAIN, downloads=900, cardData={"co2_eq_emissions": {"emissions": 12.5}}, safetensors={"total": 7}),
        listed(1, TUNED, downloads=50, baseModels={"relation": "finetune", "models": [{"_id": "0", "id": BERT}]}),
        listed(
            0,
            BERT,
            downloads=700,
            cardData={
                "model-index": [
                    {
                        "results": [
                            {"dataset": {"name": "SQuAD"}, "metrics": [{"type": "f1", "value": 0.9}, {"value": True}]}
                        ]
                    }
                ]
            },
        ),
    ]
    records = [
        record(0, PLAIN, ModelTask="text-generation", ModelDownloads=900, ModelLikes=3, ModelLibrary="transformers"),
        record(
            1,
            TUNED,
            ModelTask="fill-mask",
            ModelDownloads=50,
            ModelLicense="mit",
            ModelLicenseSPDX=["MIT"],
            ModelBaseModels=[BERT, "org/unknown"],
            ModelBaseModelRelation="finetune",
            ModelLanguages=["en", "deu", "eng"],
            ModelTags=["pytorch", "jax", "license:mit", "pytorch"],
            ModelGated="manual",
            Datasets=[
                {
                    "DatasetName": "squad",
                    "DatasetOwner": "huggingface",
                    "DatasetURL": "https://huggingface.example/datasets/squad",
                    "DatasetOwnerURL": "https://huggingface.example/huggingface",
                    "DatasetUsages": ["train", "eval"],
                }
            ],
        ),
        record(
            2,
            BERT,
            ModelTask="fill-mask",
            ModelArchitecture="bert",
            ModelDownloads=700,
            ModelLicense="apache-2.0",
            ModelLicenseSPDX=["Apache-2.0"],
            ModelPaperDOIs=["10.48550/arXiv.1810.04805"],
            ModelCreated="2022-03-02T23:29:04.000Z",
            ModelBytes=440_000_000,
        ),
    ]
    urls = [f"https://huggingface.example/{name}" for name in (BERT, TUNED)]
    write_hub(
        root,
        records=records,
        objects={"hf_metadata.json": objects},
        repositories=[
            {
                "url": urls[0],
                "path": "repos/org/bert",
                "commit": COMMIT,
                "status": "cloned",
                "git_bytes": 10,
                "seconds": 1.5,
            },
            {"url": urls[1], "path": None, "commit": None, "status": "gated", "error": "access is restricted"},
        ],
        files=[
            {
                "repository": urls[0],
                "path": "model.bin",
                "size": 5,
                "blob": "1" * 40,
                "sha256": SHARED,
                "state": "stored",
            },
            {"repository": urls[0], "path": "README.md", "size": 9, "blob": "2" * 40},
            {
                "repository": urls[1],
                "path": "w/model.bin",
                "size": 5,
                "blob": "1" * 40,
                "sha256": SHARED,
                "state": "pointer",
            },
        ],
        rejected=[{"name": "org/none", "position": 3, "reason": "no commit", "detail": "gated"}],
    )
    write_hub(
        root,
        "onnxmodelzoo",
        records=[
            record(position, "ResNet", hub="onnxmodelzoo", file="omz_models_metadata.json", id=position)
            for position in range(2)
        ],
        objects={"omz_models_metadata.json": [{"Model": "ResNet"}, {"Model": "ResNet"}]},
        repositories=[],
        files=[],
        rejected=[],
    )
    write_hub(
        root,
        "huggingface_spaces",
        records=None,
        objects={
            "hfs_metadata.json": [
                {"_id": "b" * 24, "id": "me/demo", "sdk": "gradio", "models": [BERT, PLAIN, "org/unknown"]},
                {"_id": "a" * 24, "id": "me/other", "models": [BERT]},
                {"_id": "c" * 24, "id": "me/nothing", "models": []},
            ]
        },
        crawls=[crawl_line("huggingface_spaces", counts={"models": 3, "records": None})],
    )


def damage(path: Path, *, keep_time: bool, cut: bool = False) -> None:
    """Change a byte of a file, and its length, as a broken disk or a user does."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content[: len(content) // 2 if cut else None])
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
