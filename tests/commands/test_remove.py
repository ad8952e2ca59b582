"""Clones, hubs and unused files are removed on demand; the tree stays valid."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, Crawl, Start, command
from tests.hubs import Files, Hubs, Large, Repository

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
SHARED, OWN = Large(b"shared weights " * 2_000), Large(b"own weights " * 2_000)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(hubs: Hubs, folder: Path) -> Run:
    """Run a command on the tree in the folder."""

    def start(name: str, *words: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
        program = command(hubs, folder, "HUB", **settings)
        at = program.index("crawl")
        program = [*program[:at], name, *words, *program[at + 2 :]]
        return processes.run(program, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    return start


@pytest.fixture
def two_clones(crawl: Start, hubs: Hubs) -> Crawl:
    """Give a tree with the clones o/one and o/two, which share one large file; the second has one of its own."""
    listed = []
    for name in ("o/one", "o/two"):
        own: Files = {"own.bin": OWN} if name == "o/two" else {}
        files: Files = {".gitattributes": ATTRIBUTES, "README.md": name.encode(), "shared.bin": SHARED, **own}
        listed.append({"id": name, "sha": hubs.serve(name, Repository([files])).head})
    hubs.huggingface.models = listed
    done = crawl("huggingface", fraction=1)
    assert done.status == 0
    return done


def stored(tree: Path, large: Large) -> Path:
    return tree / "lfs" / "objects" / large.oid[:2] / large.oid[2:4] / large.oid


def files_below(tree: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}


def test_a_clone_is_removed_with_its_lines_and_its_unused_large_files(two_clones: Crawl, run: Run) -> None:
    tree = two_clones.folder
    before = files_below(tree)
    shown = run("remove", "huggingface", "o/two")
    assert (shown.returncode, files_below(tree) == before) == (0, True)
    assert "huggingface/repos/o/two" in shown.stdout
    assert "nothing was removed" in shown.stdout

    removed = run("remove", "huggingface", "https://hub.example/o/two", "o/two", "--yes")
    assert removed.returncode == 2  # one wrong name removes nothing
    assert files_below(tree) == before

    assert run("remove", "huggingface", "o/two", "--yes").returncode == 0
    assert not (tree / "repos" / "o" / "two").exists()
    assert two_clones.statuses == {"o/one": "cloned"}
    paths = {record["ModelName"]: record.get("ModelRepositoryPath") for record in two_clones.records}
    assert paths["o/two"] is None
    assert run("verify", "huggingface").returncode == 0

    leftover = tree / "repos" / "o" / ".two~partial"
    leftover.mkdir()
    (leftover / "half").write_bytes(b"half")
    (tree / "cache").mkdir(exist_ok=True)
    shown = run("prune", "huggingface")
    assert {line.split()[0] for line in shown.stdout.splitlines()} >= {"large", "leftover", "cache"}
    assert stored(tree, OWN).exists()
    assert run("prune", "huggingface", "--yes").returncode == 0
    assert [path.exists() for path in (stored(tree, SHARED), stored(tree, OWN), leftover, tree / "cache")] == [
        True,
        False,
        False,
        False,
    ]
    checked = run("verify", "huggingface", "--json")
    assert (checked.stdout, checked.returncode) == ("", 0)
    assert run("prune", "huggingface").stdout == "nothing to remove\n"


def test_clones_that_the_hub_does_not_list_are_kept_until_they_are_removed(
    two_clones: Crawl, crawl: Start, hubs: Hubs, run: Run
) -> None:
    assert run("remove", "huggingface", "--not-listed", "--yes").stdout == "nothing to remove\n"
    assert isinstance(hubs.huggingface.models, list)
    del hubs.huggingface.models[1]
    crawl("huggingface", fraction=1)
    clone = two_clones.folder / "repos" / "o" / "two"
    assert clone.is_dir()
    assert run("remove", "huggingface", "--not-listed", "--yes").returncode == 0
    assert not clone.exists()
    assert (two_clones.folder / "repos" / "o" / "one").is_dir()
    assert run("verify", "huggingface").returncode == 0

    assert run("remove", "--hub", "huggingface", "--yes").returncode == 0
    assert not two_clones.folder.exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("remove", "huggingface", "o/tow"), "did you mean o/two?"),
        (("remove", "hugface", "o/two"), "did you mean huggingface?"),
        (("remove", "huggingface"), "usage:"),
        (("prune",), "usage:"),
    ],
)
def test_a_mistake_removes_nothing(folder: Path, run: Run, words: tuple[str, ...], expected: str) -> None:
    json_folder = folder / "data" / "huggingface" / "json"
    json_folder.mkdir(parents=True)
    line = {"url": "https://hub.example/o/two", "path": "repos/o/two", "status": "cloned"}
    (json_folder / "repositories.jsonl").write_text(json.dumps(line) + "\n")
    ended = run(*words, "--yes")
    [said] = ended.stderr.splitlines()
    assert (ended.returncode, expected in said) == (2, True), said
