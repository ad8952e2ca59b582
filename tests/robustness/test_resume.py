"""A listing that is interrupted, at any point and in any way, has the same result as an uninterrupted one."""

import json
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.conftest import ROOT, command
from tests.hubs import Hubs

_PAGES = 12
_PAGE = "^/api/models"


def odd_models() -> list[bytes]:
    """Return the models of some pages; among them are repeated, unreadable, nameless and private ones."""
    drawn = random.Random(5)
    models: list[dict[str, Any]] = [
        {"id": f"org{number % 97}/model-{number}", "sha": f"{number:040x}"} for number in range(_PAGES * 1000)
    ]
    for position in drawn.sample(range(len(models)), 300):
        models[position] = drawn.choice(
            (
                {"id": "org/bad\u0001name", "sha": "1" * 40},
                {"id": f"../escape-{position}", "sha": "1" * 40},
                {"id": f"org/private-{position}", "sha": "1" * 40, "private": True},
                {"sha": "1" * 40},
                models[drawn.randrange(position + 1)],
            )
        )
    texts = [json.dumps(model).encode() for model in models]
    texts[1234] = b'{"id": "org/deep", "config": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    return texts


def kill(how: signal.Signals) -> Callable[[Hubs, "subprocess.Popen[bytes]", int], None]:
    def interrupt(hubs: Hubs, crawl: "subprocess.Popen[bytes]", page: int) -> None:
        hubs.wait_for_requests(hubs.arrived + page, lambda: crawl.poll() is not None)
        crawl.send_signal(how)

    return interrupt


def fault(**what: Any) -> Callable[[Hubs, "subprocess.Popen[bytes]", int], None]:
    def interrupt(hubs: Hubs, crawl: "subprocess.Popen[bytes]", page: int) -> None:
        hubs.faults.add(_PAGE, after=page, **what)

    return interrupt


_WAYS = (
    *(kill(signal.SIGKILL), kill(signal.SIGKILL), kill(signal.SIGINT), kill(signal.SIGTERM)),
    *(fault(status=500), fault(status=200, body='[{"id": "a/b"}, {"id"'), fault(cut=3000)),
)


def start(hubs: Hubs, folder: Path) -> "subprocess.Popen[bytes]":
    argv = command(hubs, folder, "huggingface", fraction=0, RETRY_TIMES=0, LISTING_RETRY_PAUSE=0)
    return processes.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL)


def read(folder: Path) -> dict[str, bytes]:
    tree = folder / "data" / "huggingface" / "json"
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def refused(lines: bytes) -> set[tuple[str, str]]:
    """Return (URL, status) of each repository."""
    return {(line["url"], line["status"]) for line in map(json.loads, lines.splitlines())}


@pytest.mark.slow
def test_an_interrupted_listing_loses_nothing(folder: Path) -> None:
    drawn = random.Random(3)
    with Hubs(models=3) as hubs:
        hubs.huggingface.models = odd_models()
        assert start(hubs, folder / "whole").wait(timeout=300) == 0
        for interrupt in drawn.sample(_WAYS, len(_WAYS)):
            crawl = start(hubs, folder / "cut")
            interrupt(hubs, crawl, drawn.randint(1, 2))
            crawl.wait(timeout=120)
            hubs.faults.clear()
        assert start(hubs, folder / "cut").wait(timeout=300) == 0
    whole, cut = read(folder / "whole"), read(folder / "cut")
    assert whole.keys() == cut.keys()
    differing = {name for name in whole if whole[name] != cut[name]}
    assert differing <= {"crawls.jsonl", "repositories.jsonl"}  # which count the crawls, and attempts in all of them
    assert refused(whole["repositories.jsonl"]) == refused(cut["repositories.jsonl"])
    assert len(json.loads(whole["huggingface.json"])) > _PAGES * 1000 - 400
