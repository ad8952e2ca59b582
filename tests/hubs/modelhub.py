"""Modelhub: its index, and its repositories on GitHub."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.hubs.content import File, Repository

if TYPE_CHECKING:
    from tests.hubs.server import Hubs

_MODELS = 40
_NOTEBOOKS = 10  # the last ones have no config.json
_PUBLICATIONS = (
    {"url": "https://arxiv.org/abs/1602.07360", "bibtex": "@article{a, journal={arXiv preprint arXiv:1602.07360}}"},
    {"url": "https://doi.org/10.1109/CVPR.2016.90", "bibtex": "@inproceedings{b, doi={10.1109/CVPR.2016.90}}"},
    {"url": "https://example.org/paper.html", "bibtex": "@misc{c}"},
)


class Modelhub:
    """The hub at /modelhub/models.json; its repositories are at /github.com/OWNER/NAME."""

    def __init__(self, hubs: "Hubs", seed: int) -> None:
        self.hubs = hubs
        self.seed = seed
        self.models: list[Any] = [self._entry(number) for number in range(_MODELS)]

    @property
    def url(self) -> str:
        return f"{self.hubs.url}/modelhub/models.json"

    @property
    def git_config(self) -> dict[str, str]:
        """Return configuration with which git finds the forges' repositories here."""
        forges = ("github.com", "gist.github.com", "gitlab.com", "bitbucket.org")
        return {f"url.{self.hubs.url}/{forge}/.insteadOf": f"https://{forge}/" for forge in forges}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/modelhub/models.json", self._index)

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.models, dumps=lambda models: json.dumps(models, indent=2))

    def _entry(self, number: int) -> dict[str, Any]:
        owner = "bhklab" if number == 3 else "modelhub-ai"
        tail = {4: "/", 5: ".git"}.get(number, "")
        entry: dict[str, Any] = {
            "id": str(uuid.UUID(int=self.seed * _MODELS + number)),
            "name": f"model-{number}",
            "task_extended": ("ImageNet classification", "Brain Tumor Segmentation on MRI")[number % 2],
            "github": f"https://github.com/{owner}/model-{number}{tail}",
            "github_branch": "master",
            "backend": ["pytorch"],
        }
        return {**entry, "gpu": True} if number % 5 == 0 else entry

    def repository(self, path: str) -> Repository | None:
        """Return the repository of a generated model."""
        number = path.rpartition("model-")[2]
        if not path.startswith("github.com/") or not number.isdecimal() or int(number) >= _MODELS:
            return None
        if path != self._entry(int(number))["github"].removeprefix("https://").rstrip("/").removesuffix(".git"):
            return None
        return Repository([_files(int(number), self.hubs)], branch="master")


def _files(number: int, hubs: "Hubs") -> dict[str, File]:
    files: dict[str, File] = {"README.md": f"# Model {number}\n".encode()}
    if number >= _MODELS - _NOTEBOOKS:
        return {**files, "notebook.ipynb": b'{"cells": []}\n'}
    files["contrib_src/model/config.json"] = json.dumps(_config(number), indent=2).encode()
    if number % 4 == 0:
        files[".gitattributes"] = b"*.onnx filter=lfs diff=lfs merge=lfs -text\n"
        files["contrib_src/model/model.onnx"] = hubs.huggingface.generated.pool(number)
    elif number % 4 == 1:
        files["contrib_src/model/weights.caffemodel"] = bytes(range(256)) * 2000
    return files


def _config(number: int) -> dict[str, Any]:
    """Return a model's description, as defined by modelhub's config_schema.json."""
    config: dict[str, Any] = {
        "id": str(uuid.UUID(int=number)),
        "meta": {
            "name": f"model-{number}",
            "application_area": "ImageNet",
            "task": "Classification",
            "task_extended": "ImageNet classification",
            "data_type": "Image/Photo",
        },
        "model": {
            "description": "Made from a seed.",
            "provenance": "https://example.org",
            "architecture": ("Convolutional Neural Network (CNN)", "Fully Convolutional Neural Network (FCNN)")[
                number % 2
            ],
            "learning_type": "Supervised Learning",
            "format": ".onnx",
            "io": {
                "input": {"format": ["image/png"], "single": {"format": ["image/png"], "dim_limits": [{"min": 1}] * 3}},
                "output": [{"name": "probabilities", "type": "label_list", "description": "Of each class."}],
            },
        },
        "modelhub": {},
    }
    if number % 6 != 5:
        paper = {"title": "A paper", "source": "Journal", "year": 2016, "authors": "A. Author", "abstract": ""}
        config["publication"] = {**paper, "google_scholar": "", **_PUBLICATIONS[number % len(_PUBLICATIONS)]}
    return config
