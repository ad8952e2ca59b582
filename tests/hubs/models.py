"""Models of Hugging Face, generated from a seed: any number of them, none kept in memory.

The objects have every field of the API; `fields` decides which of them an answer has. A model's `sha` is
the real HEAD of its repository, which is made when it is requested.
"""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any

from tests.hubs.content import File, Large, Repository, commit_body, object_id, pointer
from tests.hubs.generated import FIRST, Generated, time

_TASKS = (
    *("text-generation", "text-classification", "fill-mask", "image-classification", "text-to-image"),
    *("automatic-speech-recognition", "translation", "feature-extraction", None, None),
)
_TYPES = ("bert", "llama", "t5", "vit", "wav2vec2", "gpt2", "qwen2", "roberta")
_WORDS = ("tiny", "large", "base", "chat", "ner", "sentiment", "vision", "whisper", "diffusion", "embeddings")
_DATASETS = ("imdb", "squad_v2", "allenai/c4", "mozilla-foundation/common_voice_11_0", "the Pile", "wikitext")
_LANGUAGES = ("en", "de", ["en", "fr"], "zh", ["multilingual"], None, "日本語")
_LICENSES = ("apache-2.0", "mit", ["mit", "apache-2.0"], "cc-by-nc-4.0", None, "other")
_ARXIV = ("1810.04805", "2010.11929v2", "cs/0112017", "1910.09700", "2307.09288", "not-an-id")
_ATTRIBUTES = b"".join(
    b"%s filter=lfs diff=lfs merge=lfs -text\n" % glob
    for glob in (b"*.bin", b"*.h5", b"*.onnx", b"*.safetensors", b"*tfevents*")
)
_RELATIONS = ("finetune", "adapter", "quantized", "merge")
_PACKED = 11  # one in this many models has packed weights, whose number of elements is not that of parameters
_CREATED, _PUSHED, _RENAMED, _REMOVED = 50, 12, 50, 60  # each week, one in this many
POOL = 64  # large files; repositories share them


class Models(Generated):
    """The models of a hub, by their index, which is the order in which they were created."""

    words = _WORDS

    def __init__(
        self, count: int, seed: int, *, troubles: bool = True, large_files: bool = True, weeks: int = 0
    ) -> None:
        super().__init__(count + weeks * count // _CREATED, seed)
        self.weeks = weeks
        self.troubles = troubles
        self.large_files = large_files

    def name(self, index: int) -> str:
        """Return the id of a model; after some weeks a few have another owner."""
        return (
            f"moved{index}/{self.words[index % len(self.words)]}-{index}"
            if self._is_renamed(index)
            else super().name(index)
        )

    def renamed(self, name: str) -> str | None:
        digits = name.rpartition("-")[2]
        if not digits.isdecimal() or int(digits) >= self.count or not self._is_renamed(int(digits)):
            return None
        return self.name(int(digits)) if super().name(int(digits)) == name else None

    def is_removed(self, index: int) -> bool:
        return self._has_happened(index, _REMOVED)

    def _is_renamed(self, index: int) -> bool:
        return self._has_happened(index, _RENAMED)

    def _has_happened(self, index: int, one_in: int) -> bool:
        """Return whether an event that affects one in `rate` models each week has happened to a model."""
        drawn = (self._bits(index) >> 64) % (one_in * 1009) // one_in
        return any((drawn + week) % one_in == 3 for week in range(self.weeks))

    def trouble(self, index: int) -> str | None:
        """Return `gated`, `missing`, `empty` or nothing."""
        if not self.troubles:
            return None
        bits = self._bits(index) >> 200
        return "gated" if bits % 40 == 7 else "missing" if bits % 60 == 11 else "empty" if bits % 80 == 13 else None

    def model(self, index: int) -> dict[str, Any]:
        """Return the model as the listing has it; every field but the id may be missing or null."""
        bits = self._bits(index)
        name, kind = self.name(index), bits >> 16
        created = FIRST + timedelta(seconds=37 * index)
        task, model_type = _TASKS[kind % len(_TASKS)], _TYPES[(kind >> 8) % len(_TYPES)]
        listed: dict[str, Any] = {
            "_id": f"{index:024x}",
            "id": name,
            "modelId": name,
            "author": name.partition("/")[0] if "/" in name and kind % 11 else None,
            "sha": self.head(index),
            "lastModified": time(FIRST + timedelta(seconds=self.rank(index, "lastModified"))),
            "createdAt": time(created),
            "private": False,
            "gated": ("auto", "manual")[index % 2] if self.trouble(index) == "gated" else False,
            "disabled": False,
            "downloads": self.rank(index, "downloads"),
            "likes": self.rank(index, "likes"),
            "tags": list(self._tags(index, model_type, task)),
            "siblings": [{"rfilename": path} for path in self.files(index, 0)],
            "spaces": [],
            "downloadsAllTime": self.rank(index, "downloads") * 7,
            "trendingScore": self.rank(index, "trendingScore"),
            "inference": "warm" if kind % 23 == 0 else None,
            "usedStorage": sum(size for _, size in self.large(index)),
            "childrenModelCount": {"finetune": kind % 3, "adapter": 0, "quantized": kind % 2, "merge": 0},
        }
        if task:
            listed |= {"pipeline_tag": task, "library_name": "transformers"}
            listed["transformersInfo"] = {"auto_model": "AutoModel", "pipeline_tag": task}
        listed["config"] = _config(kind, model_type)
        if kind % 7:
            listed["cardData"] = _card(kind, self._base_models(index))
        if base := self._base_models(index):
            models = [{"_id": f"{number:024x}", "id": name} for number, name in enumerate(base)]
            listed["baseModels"] = {"relation": _RELATIONS[kind % 4], "models": models}
        if kind % 13 == 0:
            listed["model-index"] = _model_index(kind)
        if kind % 3 == 0:
            listed["safetensors"] = _safetensors(kind)
        if kind % 29 == 0:
            listed["gguf"] = {"total": kind % 10**10, "architecture": model_type, "chat_template": "{{ x }}" * 9}
        return {key: value for key, value in listed.items() if value is not None or kind % 5 == 0}

    def _base_models(self, index: int) -> list[str]:
        """Return the ids of a model's base models: mostly an earlier one of this hub."""
        kind = self._bits(index) >> 16
        if kind % 7 == 0 or kind % 19 == 0:
            return []
        if index > 2 and (kind >> 9) % 3:
            return [self.name(index // 3)]
        return ["meta-llama/Llama-2-7b", "gpt2"] if kind % 4 == 0 else ["google-bert/bert-base-uncased"]

    def _tags(self, index: int, model_type: str, task: str | None) -> Iterator[str]:
        kind = self._bits(index) >> 16
        yield from ("transformers", "pytorch", model_type)
        if task:
            yield task
        if kind % 4 == 0:
            yield f"arxiv:{_ARXIV[(kind >> 4) % len(_ARXIV)]}"
        if kind % 3 == 1:
            yield f"dataset:{_DATASETS[(kind >> 5) % len(_DATASETS)]}"
        if kind % 31 == 0:
            yield "doi:10.57967/hf/0039"
        if kind % 17 == 0:
            yield "diffusers:StableDiffusionPipeline"
        for name in self._base_models(index):
            yield f"base_model:{name}"
            yield f"base_model:{_RELATIONS[kind % 4]}:{name}"
        yield "region:us"

    def files(self, index: int, number: int) -> dict[str, bytes | tuple[int, int]]:
        """Return files of one commit; a large file is its (number in the pool, size)."""
        files: dict[str, bytes | tuple[int, int]] = {
            ".gitattributes": _ATTRIBUTES,
            "README.md": b"---\nlicense: mit\n---\n# Model %d\n\nRevision %d.\n" % (index, number)
            + b"A sentence.\n" * (index % 9 * number),
            "config.json": _CONFIGS[index % len(_CONFIGS)],
            "tokenizer/vocab.txt": b"[PAD]\n[UNK]\n",
        }
        return files | dict(zip(("model.safetensors", "onnx/model.onnx"), self.large(index), strict=False))

    def large(self, index: int) -> list[tuple[int, int]]:
        """Return (number in the pool, size) of the large files of a model: a third have one, a few have two."""
        if not self.large_files:
            return []
        bits = self._bits(index) >> 100
        return [
            ((bits >> shift) % POOL, self.pool_size((bits >> shift) % POOL))
            for shift in (8, 16)[: 2 if bits % 9 == 0 else bits % 3 == 0]
        ]

    def pool_size(self, number: int) -> int:
        """Return bytes of a large file of the pool: 50 kB to 2 MB."""
        return 50_000 + number * 30_011

    def pool(self, number: int) -> Large:
        """Return a large file of the pool."""
        return _large(self.seed, number, self.pool_size(number))

    def revisions(self, index: int) -> int:
        """Return commits of a model's repository."""
        return 1 + self._bits(index) % 3 + self._has_happened(index, _PUSHED)

    def head(self, index: int) -> str:
        """Return HEAD of the repository of a model, computed as git would."""
        parent = None
        for number in range(self.revisions(index)):
            when = self._first_commit(index) + number
            parent = object_id(b"commit", commit_body(self._tree(index, number), parent, when))
        assert parent is not None
        return parent

    def _first_commit(self, index: int) -> int:
        """Return the number of a repository's first commit: repositories were created one after the other."""
        return index % 97

    def _tree(self, index: int, number: int) -> str:
        """Return the id of a tree, without making its objects."""
        files = self.files(index, number)
        onnx = files.pop("onnx/model.onnx", None)
        entries = [
            (b"100644", b".gitattributes", _ATTRIBUTES_ID),
            (b"100644", b"README.md", object_id(b"blob", files["README.md"])),  # type: ignore[arg-type]
            (b"100644", b"config.json", _CONFIG_IDS[index % len(_CONFIGS)]),
        ]
        if isinstance(weights := files.get("model.safetensors"), tuple):
            entries.append((b"100644", b"model.safetensors", self._pointer_id(weights[0])))
        if isinstance(onnx, tuple):
            inner = _tree_body([(b"100644", b"model.onnx", self._pointer_id(onnx[0]))])
            entries.append((b"40000", b"onnx", object_id(b"tree", inner)))
        entries.append((b"40000", b"tokenizer", _TOKENIZER_ID))
        return object_id(b"tree", _tree_body(entries))

    def _pointer_id(self, number: int) -> str:
        return object_id(b"blob", pointer(self.pool(number).oid, self.pool_size(number)))

    def repository(self, index: int) -> Repository:
        """Return the repository of a model."""
        if self.trouble(index) == "empty":
            return Repository()
        commits = []
        for number in range(self.revisions(index)):
            files: dict[str, File] = {
                path: file if isinstance(file, bytes) else self.pool(file[0])
                for path, file in self.files(index, number).items()
            }
            commits.append(files)
        return Repository(commits, first=self._first_commit(index))


@lru_cache(maxsize=POOL)  # as many as stand-ins of one seed have
def _large(seed: int, number: int, size: int) -> Large:
    return Large(random.Random(f"{seed}:{number}").randbytes(size))


def _tree_body(entries: list[tuple[bytes, bytes, str]]) -> bytes:
    return b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)


_CONFIGS = [json.dumps({"model_type": kind, "hidden_size": 768}).encode() + b"\n" for kind in _TYPES]
_CONFIG_IDS = [object_id(b"blob", config) for config in _CONFIGS]
_ATTRIBUTES_ID = object_id(b"blob", _ATTRIBUTES)
_TOKENIZER_ID = object_id(b"tree", _tree_body([(b"100644", b"vocab.txt", object_id(b"blob", b"[PAD]\n[UNK]\n"))]))


def _config(kind: int, model_type: str) -> dict[str, Any] | None:
    if kind % 6 == 0:
        return None
    config: dict[str, Any] = {"architectures": [f"{model_type.title()}Model"]}
    return config if kind % 6 == 1 else {**config, "model_type": model_type}


def _card(kind: int, base_models: list[str]) -> dict[str, Any] | None:
    if kind % 19 == 0:
        return None
    dataset = _DATASETS[(kind >> 5) % len(_DATASETS)]
    return {
        "license": _LICENSES[kind % len(_LICENSES)],
        "language": _LANGUAGES[kind % len(_LANGUAGES)],
        "datasets": dataset if kind % 2 else [dataset, "imdb"],
        "base_model": base_models[0] if len(base_models) == 1 else base_models,
        "tags": ["généré", "test"],
    }


def _safetensors(kind: int) -> dict[str, Any]:
    """Return the counts of parameters; the total is wrong if an author has written it."""
    count = kind % 10**9 + 1
    if kind % _PACKED == 0:
        return {"parameters": {"F16": count // 100, "I32": count}, "total": count // 100 + count}
    return {"parameters": {"BF16": count}, "total": 333_312 if kind % 17 == 0 else count}


def _model_index(kind: int) -> list[dict[str, Any]]:
    results = [
        {
            "task": {"type": "text-classification"},
            "dataset": {"name": name.title(), "type": name},
            "metrics": [{"type": "accuracy", "value": kind % 100 / 100}],
        }
        for name in ("imdb", "glue")
    ]
    return [{"name": "model", "results": results}]
