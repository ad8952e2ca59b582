"""Models of Hugging Face, from its listing and from answers about single models."""

import json
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.formats.spdx import spdx_identifier
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.huggingface import model
from ptmtorrent_scrapy.records.record import RecordHub, record
from ptmtorrent_scrapy.records.validator import Validator

BASE = "https://huggingface.co"
HUB = RecordHub(name="Hugging Face", url=BASE, metadata_path="data/huggingface/json/metadata/hf_metadata.json")
# https://huggingface.co/docs/hub/repositories-licenses
WITHOUT_SPDX = (
    *("openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0", "bigcode-openrail-m"),
    *(
        "bsd",
        "cc",
        "gfdl",
        "gpl",
        "lgpl",
        "openrail++",
        "deepfloyd-if-license",
        "llama2",
        "llama3.1",
        "gemma",
        "unknown",
    ),
    *("other", "apple-amlr", "apple-ascl", "h-research", "intel-research", "fair-noncommercial-research-license"),
)
WITH_SPDX = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "agpl-3.0": "AGPL-3.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only",
    "bsl-1.0": "BSL-1.0",
    "c-uda": "C-UDA-1.0",
    "cdla-permissive-2.0": "CDLA-Permissive-2.0",
    "etalab-2.0": "etalab-2.0",
    "lgpl-lr": "LGPLLR",
    "lppl-1.3c": "LPPL-1.3c",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
    "postgresql": "PostgreSQL",
    "wtfpl": "WTFPL",
}


def parsed(**fields: Any) -> Model:
    """Return the model of an object; its record is valid."""
    listed = {"id": "owner/m", "sha": "a" * 40, **fields}
    found = model(Metadata(json.dumps(listed), listed), BASE)
    found.position = 0
    assert Validator().problem(record(found, HUB)) is None
    return found


@pytest.mark.parametrize(
    ("weights", "config", "parameters"),
    [
        ({"parameters": {"F32": 100}, "total": 100}, {}, 100),
        ({"parameters": {"F32": 100}, "total": 104}, {}, 104),
        ({"parameters": {"BF16": 7_615_616_512}, "total": 333_312}, {}, 7_615_616_512),
        ({"parameters": {"F16": 10, "I32": 990}, "total": 8000}, {"quantization_config": {"bits": 4}}, None),
        ({"parameters": {"F16": 10, "I32": 990}, "total": 8000}, {}, 1000),
        ({"parameters": {"F16": 10, "I32": 990}, "total": 1000}, {"quantization_config": {"bits": 4}}, 1000),
        ({"parameters": {"F32": 100, "I64": 5}}, {}, 105),
        ({"total": 7}, {}, 7),
        ({"parameters": {"F32": "many"}, "total": None}, {}, None),
        (None, {}, None),
    ],
)
def test_parameters(weights: Any, config: Any, parameters: int | None) -> None:
    found = parsed(safetensors=weights, config=config)
    assert found.parameters == parameters
    assert bool(found.doubts) == (parameters is None and bool(config))


@pytest.mark.parametrize(
    ("fields", "bases", "relation"),
    [
        (
            {
                "baseModels": {"relation": "quantized", "models": [{"_id": "1", "id": "a/B"}]},
                "tags": ["base_model:c/d", "base_model:finetune:c/d"],
                "cardData": {"base_model": "e/f"},
            },
            ["a/B"],
            "quantized",
        ),
        ({"tags": ["base_model:a/b", "base_model:merge:a/b", "base_model:merge:c/d"]}, ["a/b", "c/d"], "merge"),
        ({"tags": ["base_model:quantized:a/b", "base_model:merge:c/d"]}, ["a/b", "c/d"], None),
        ({"cardData": {"base_model": ["a/b", "A/B"], "base_model_relation": "adapter"}}, ["a/b"], "adapter"),
        ({"cardData": {"base_model": f"{BASE}/a/b/tree/main", "base_model_relation": "other"}}, ["a/b"], None),
        ({"cardData": {"base_model": "[GPT](https://hf.co/gpt2)"}}, ["gpt2"], None),
        ({"cardData": {"base_model": [{"name": "GPT", "repo_url": f"{BASE}/openai/gpt2"}]}}, ["openai/gpt2"], None),
        (
            {"cardData": {"base_model": ["./out/checkpoint-100", "/home/me/model", "C:\\models\\x", "checkpoint-500"]}},
            [],
            None,
        ),
        (
            {"cardData": {"base_model": ["None", "null", "owner/M", f"{BASE}/datasets/a/b", "a/b/c", "two words"]}},
            [],
            None,
        ),
        (
            {"config": {"peft": {"base_model_name_or_path": "meta-llama/Llama-2-7b-hf"}}},
            ["meta-llama/Llama-2-7b-hf"],
            "adapter",
        ),
        ({"config": {"peft": {"base_model_name_or_path": "../out"}}}, [], None),
        ({"baseModels": None, "cardData": None, "config": None, "tags": None}, [], None),
    ],
)
def test_base_models(fields: dict[str, Any], bases: list[str], relation: str | None) -> None:
    found = parsed(**fields)
    assert (found.base_models, found.base_model_relation) == (bases, relation)


@pytest.mark.parametrize(("name", "identifier"), [*WITH_SPDX.items(), *((name, None) for name in WITHOUT_SPDX)])
def test_a_licence_has_its_spdx_identifier(name: str, identifier: str | None) -> None:
    assert parsed(cardData={"license": name}).license_spdx == ([identifier] if identifier else [])
    assert identifier is None or spdx_identifier(identifier) == identifier


def test_licences() -> None:
    card = {"license": "other", "license_name": "deepseek", "license_link": "LICENSE-MODEL"}
    found = parsed(cardData=card, tags=["license:other"])
    assert (found.license, found.license_spdx) == ("deepseek", [])
    assert found.license_url == f"{BASE}/owner/m/blob/main/LICENSE-MODEL"
    found = parsed(cardData={"license": ["apache-2.0", "cc-by-4.0"], "license_link": "https://example.org/l"})
    assert (found.license, found.license_spdx) == ("apache-2.0, cc-by-4.0", ["Apache-2.0", "CC-BY-4.0"])
    assert found.license_url == "https://example.org/l"
    for link in (7, "", "javascript:alert(1)", "../x", "see the card", "https://", "//evil.example/x"):
        assert parsed(cardData={"license": "mit", "license_link": link}).license_url is None
    assert parsed(cardData={"license": 2.0}, tags=["license:mit"]).license == "mit"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("squad", "squad"),
        ("rajpurkar/squad", "rajpurkar/squad"),
        (f"{BASE}/datasets/allenai/c4", "allenai/c4"),
        (f"{BASE}/datasets/allenai/c4/", "allenai/c4"),
        (f"{BASE}/datasets/allenai/c4/viewer/en", "allenai/c4"),
        (f"{BASE}/datasets/squad/tree/main", "squad"),
        ("http://www.hf.co/datasets/squad?x=1#y", "squad"),
        ("huggingface.co/datasets/a/b", "a/b"),
        ("hf://datasets/a/b", "a/b"),
        ("datasets/a/b", "a/b"),
        ("datasets/squad", "squad"),
        ("a/b/", "a/b"),
        ("[C4](https://huggingface.co/datasets/allenai/c4)", "allenai/c4"),
    ],
)
def test_a_dataset_of_the_hub(text: str, name: str) -> None:
    found = parsed(cardData={"datasets": [text, name.upper()]})
    (dataset,) = found.datasets
    assert (dataset.name, dataset.url, dataset.usages) == (name, f"{BASE}/datasets/{name}", ["train"])
    assert found.dataset_mentions == []


@pytest.mark.parametrize(
    "text",
    ["custom data set of Kannada news", "Indo4B+", "-x", "a/b/c", "the [Pile](https://pile.eleuther.ai)", "données"],
)
def test_words_that_can_be_no_id_are_mentions(text: str) -> None:
    found = parsed(
        cardData={"datasets": [text, None, "", "none"]}, **{"model-index": [{"results": [{"dataset": text}]}]}
    )
    assert (found.datasets, found.dataset_mentions) == ([], [text])


def test_a_dataset_elsewhere_has_its_own_url() -> None:
    (dataset,) = parsed(cardData={"datasets": "[x](https://kaggle.com/a/b)"}).datasets
    assert (dataset.name, dataset.owner, dataset.url) == (
        "https://kaggle.com/a/b",
        "kaggle.com",
        "https://kaggle.com/a/b",
    )


def test_a_dataset_is_used_as_the_card_says() -> None:
    index = {"results": {"dataset": [{"type": "GLUE", "name": "x"}, {"type": "unknown", "name": "squad"}]}}
    found = parsed(tags=["dataset:glue"], cardData={"model-index": index})
    assert [(each.name, each.usages) for each in found.datasets] == [("glue", ["train", "eval"]), ("squad", ["eval"])]


def test_what_the_hub_says_of_access() -> None:
    found = parsed(gated="manual", disabled=True, private=False, downloadsAllTime=7)
    assert (found.gated, found.disabled, found.private, found.downloads_all_time) == ("manual", True, False, 7)
    found = parsed(gated=0, disabled="no", private=None, downloadsAllTime="7")
    assert (found.gated, found.disabled, found.private, found.downloads_all_time) == (None, None, None, None)


@pytest.mark.parametrize("second", range(10))
def test_the_time_before_times_were_kept_is_none(second: int) -> None:
    assert parsed(createdAt=f"2022-03-02T23:29:0{second}.000Z").created is None
    assert parsed(createdAt=f"2022-03-02T23:30:0{second}.000Z").created


def test_norwegian_is_no() -> None:
    assert parsed(cardData={"language": [False, "nn"]}).languages == ["no", "nn"]


def test_recorded_answers_about_single_models_become_valid_records(shared: Path) -> None:
    lines = (shared / "hubs" / "huggingface" / "models-2025.jsonl").read_text().splitlines()
    found = [parsed(**json.loads(line)) for line in lines]
    assert sum(each.parameters is not None for each in found) > 50
    assert sum(bool(each.base_models) for each in found) > 180
