"""Datasets and spaces of Hugging Face, generated from a seed; their repositories are at /datasets/ID and /spaces/ID."""

from typing import Any

from tests.hubs.content import File, Objects, Repository, commit, tree
from tests.hubs.generated import Generated, times

_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
_TASKS = ("text-classification", "question-answering", "image-classification")
_SDKS = ("gradio", "streamlit", "docker", "static")


class _Small(Generated):
    """Repositories of a few small files and one commit."""

    def files(self, index: int) -> dict[str, File]:
        """Return the files of one."""
        raise NotImplementedError

    def repository(self, index: int) -> Repository:
        return Repository([self.files(index)])

    def head(self, index: int) -> str:
        """Return the commit of a repository, computed as git would."""
        objects: Objects = {}
        return commit(tree(self.files(index), objects, {}), None, 0, objects)

    def _common(self, index: int) -> dict[str, Any]:
        name = self.name(index)
        return {
            "_id": f"{index:024x}",
            "id": name,
            "author": name.rpartition("/")[0] or None,
            "sha": self.head(index),
            **times(self, index),
            "private": False,
            "disabled": False,
            "likes": self.rank(index, "likes"),
            "trendingScore": self.rank(index, "trendingScore"),
            "siblings": [{"rfilename": path} for path in self.files(index)],
            "usedStorage": sum(len(body) for body in self.files(index).values() if isinstance(body, bytes)),
        }


class Datasets(_Small):
    """The datasets of a hub."""

    words = ("reviews", "squad", "speech", "images", "instruct", "wiki")

    def files(self, index: int) -> dict[str, File]:
        rows = b'{"text": "row of dataset %d"}\n' % index * (self._bits(index) % 50 + 1)
        return {".gitattributes": _ATTRIBUTES, "README.md": b"# Dataset %d\n" % index, "data/train.jsonl": rows}

    def model(self, index: int) -> dict[str, Any]:
        kind = self._bits(index) >> 16
        task = _TASKS[kind % len(_TASKS)]
        listed = {
            **self._common(index),
            "gated": "auto" if kind % 41 == 0 else False,
            "downloads": self.rank(index, "downloads"),
            "downloadsAllTime": self.rank(index, "downloads") * 9,
            "tags": [f"task_categories:{task}", "language:en", "license:mit", "region:us"],
            "description": f"Dataset {index}, made from a seed.",
            "cardData": {"license": "mit", "language": ["en"], "task_categories": [task]},
        }
        if kind % 3 == 0:
            listed["tags"].insert(0, "arxiv:1810.04805")
            listed |= {"citation": "@misc{seed}", "paperswithcode_id": f"dataset-{index}"}
        if kind % 4 == 0:
            listed["mainSize"] = kind % 10**9
        return listed


class Spaces(_Small):
    """The spaces of a hub; `models` and `datasets` are what they may use."""

    words = ("demo", "chat", "leaderboard", "viewer")

    def __init__(self, count: int, seed: int, models: Generated, datasets: Generated) -> None:
        super().__init__(count, seed)
        self._models = models
        self._datasets = datasets

    def files(self, index: int) -> dict[str, File]:
        return {"README.md": b"---\nsdk: gradio\n---\n# Space %d\n" % index, "app.py": b"print(%d)\n" % index}

    def model(self, index: int) -> dict[str, Any]:
        kind = self._bits(index) >> 16
        name, sdk = self.name(index), _SDKS[kind % len(_SDKS)]
        return {
            **self._common(index),
            "tags": [sdk, "region:us"],
            "sdk": sdk,
            "subdomain": name.replace("/", "-"),
            "cardData": {"title": f"Space {index}", "sdk": sdk, "license": "mit"},
            "runtime": {"stage": "RUNNING" if kind % 3 else "SLEEPING", "hardware": {"current": "cpu-basic"}},
            "models": _some(self._models, kind),
            "datasets": _some(self._datasets, kind >> 8),
            "region": "us",
        }


def _some(used: Generated, kind: int) -> list[str]:
    return [used.name((kind >> shift) % len(used)) for shift in range(kind % 3)] if len(used) else []
