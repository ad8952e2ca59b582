"""Arguments select the repositories to clone."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start
from tests.hubs import Hubs, Repository


@pytest.fixture
def models(hubs: Hubs) -> list[dict[str, Any]]:
    """Return twelve models of two owners, two licences, two tasks and two libraries."""
    listed = []
    for number in range(12):
        name = f"{('ann', 'bob')[number % 2]}/m{number}"
        served = hubs.serve(name, Repository([{"a": name.encode()}]))
        listed.append(
            {
                "id": name,
                "sha": served.head,
                "downloads": number * 10,
                "pipeline_tag": ("text-generation", "fill-mask", None)[number % 3],
                "library_name": ("transformers", "diffusers")[number // 6],
                "cardData": {"license": ["mit", "Apache-2.0"] if number == 5 else ("mit", None)[number % 2]},
            }
        )
    hubs.huggingface.models = listed
    return listed


def numbers(clones: dict[str, str]) -> set[int]:
    return {int(path.partition("/m")[2]) for path, status in clones.items() if status == "cloned"}


@pytest.mark.parametrize(
    ("arguments", "cloned"),
    [
        ({"top": 3}, {9, 10, 11}),
        ({"top": 100}, set(range(12))),
        ({"author": "bob"}, {1, 3, 5, 7, 9, 11}),
        ({"author": "ann", "top": 2}, {8, 10}),
        ({"author": "bob", "fraction": 0.5}, {7, 9, 11}),
        ({"task": "fill-mask"}, {1, 4, 7, 10}),
        ({"task": "fill-mask, text-generation"}, {0, 1, 3, 4, 6, 7, 9, 10}),
        ({"library": "diffusers", "min_downloads": 80}, {8, 9, 10, 11}),
        ({"license": "apache-2.0"}, {5}),
        ({"license": "MIT"}, {0, 2, 4, 5, 6, 8, 10}),
        ({"license": "permissive", "top": 2}, {8, 10}),
        ({"ids": "ann/m2,bob/m3"}, {2, 3}),
    ],
)
def test_what_is_cloned(
    crawl: Start, models: list[dict[str, Any]], arguments: dict[str, Any], cloned: set[int]
) -> None:
    done = crawl("huggingface", **arguments)
    assert done.status == 0
    assert numbers(done.statuses) == cloned
    assert [record["ModelName"] for record in done.records] == [model["id"] for model in models]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"author": "nobody"}, "author=nobody: no model has it"),
        ({"task": "text-generaton"}, "task=text-generaton: no model has it; did you mean text-generation?"),
        ({"ids": "ann/m22"}, "ids=ann/m22: no selected model of Hugging Face has it"),
    ],
)
def test_a_selection_without_a_model_is_a_mistake(
    crawl: Start, models: list[dict[str, Any]], arguments: dict[str, Any], said: str
) -> None:
    done = crawl("huggingface", **arguments)
    assert (done.status, said in done.log) == (2, True)
    assert "no model of Hugging Face matches the arguments" in done.log
    assert len(done.records) == len(models)


def test_top_counts_models_that_can_be_cloned(crawl: Start, models: list[dict[str, Any]], hubs: Hubs) -> None:
    for number in (11, 9, 8):
        del hubs.repositories[models[number]["id"]]
    strict = crawl("huggingface", top=3, replace="false")
    assert numbers(strict.statuses) == {10}
    done = crawl("huggingface", top=3)
    assert done.status == 0
    assert numbers({path: "cloned" for path in done.statuses if (done.folder / "repos" / path).is_dir()}) == {10, 7, 6}
    assert sorted(done.statuses.values()) == ["cloned", "cloned", "current", "missing", "missing", "missing"]


def test_a_sample_is_the_same_for_the_same_seed(crawl: Start, models: list[dict[str, Any]], folder: Path) -> None:
    chosen = [
        numbers(
            crawl("huggingface", sample=0.5, seed=seed, DATA_DIR=folder / f"data-{number}", CLONE_LFS="none").statuses
        )
        for number, seed in enumerate(("7", "7", "8"))
    ]
    assert len(chosen[0]) == 6
    assert chosen[0] == chosen[1] != chosen[2]


def test_ids_of_a_file(crawl: Start, models: list[dict[str, Any]], folder: Path) -> None:
    (folder / "ids.txt").write_text("# of the paper\nann/m2\n\nbob/m3  \nbob/gone\n")
    done = crawl("huggingface", ids=folder / "ids.txt")
    assert done.status == 0
    assert numbers(done.statuses) == {2, 3}
    assert "ids=bob/gone: no selected model of Hugging Face has it" in done.log


@pytest.mark.parametrize(
    ("hub", "arguments", "said"),
    [
        ("huggingface", {"top": "0"}, "top=0: not accepted; top is a whole number from 1 to"),
        ("huggingface", {"sample": "2"}, "sample=2: not accepted"),
        ("huggingface", {"seed": "1"}, "seed=1: not accepted; seed is to be given with sample only"),
        ("huggingface", {"top": "1", "fraction": "1"}, "top=1: not accepted; top is to be given without fraction"),
        ("huggingface", {"ids": "/nonexistent"}, "ids=/nonexistent: not accepted; ids is a file"),
        ("huggingface", {"min_downloads": "many"}, "min_downloads=many: not accepted"),
        ("huggingface", {"license": " , "}, "license= , : not accepted"),
        ("huggingface", {"replace": "false"}, "replace=false: not accepted; replace is to be given with top only"),
        ("modelhub", {"license": "mit"}, "license=mit: not accepted; license is no argument of modelhub, which takes"),
        ("modelzoo", {"min_downloads": "1"}, "min_downloads is no argument of modelzoo"),
        ("onnxmodelzoo", {"top": "1"}, "top is no argument of onnxmodelzoo, which takes fraction, lfs"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    crawl: Start, hubs: Hubs, hub: str, arguments: dict[str, str], said: str
) -> None:
    done = crawl(hub, **arguments)
    assert done.status == 2
    assert said in done.log.splitlines()[-1]
    assert not hubs.requests


def test_modelhub_by_task(crawl: Start, hubs: Hubs) -> None:
    tasks = {record["ModelName"]: record.get("ModelTask") for record in crawl("modelhub", fraction=0).records}
    task = next(task for task in tasks.values() if task and "," not in task)
    done = crawl("modelhub", task=task)
    wanted = sum(each == task for each in tasks.values())
    assert 0 < wanted < len(tasks)
    assert len([status for status in done.statuses.values() if status == "cloned"]) == wanted
