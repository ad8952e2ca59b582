"""`scrapy doctor` checks a machine before a crawl."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.doctor.programs import is_closed
from tests import processes
from tests.conftest import ROOT, command
from tests.hubs import Hubs

Doctor = Callable[..., "subprocess.CompletedProcess[str]"]
TOKEN = "hf_0123456789abcdef"


@pytest.fixture
def doctor(hubs: Hubs, folder: Path, no_browser: dict[str, str]) -> Doctor:
    """Return a function that runs `scrapy doctor`, by itself without a browser, which takes longer than all checks."""

    def run(*words: str, environment: dict[str, str] | None = None, **settings: Any) -> Any:
        given = {
            "ONNXMODELZOO_REPOSITORY": "https://github.com/onnx/models",
            "PYTORCHHUB_REPOSITORY": "https://github.com/pytorch/hub",
            **settings,
        }
        program = command(hubs, folder, "HUB", **given)
        at = program.index("crawl")
        program = [*program[:at], "doctor", *words, *program[at + 2 :]]
        environment = no_browser if environment is None else environment
        return processes.run(
            program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def findings(ended: "subprocess.CompletedProcess[str]") -> dict[str, list[str]]:
    """Return (state, found, advice) of each check."""
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    return {each["check"]: [each["state"], each["found"], each["advice"]] for each in told}


def test_a_machine_that_can_crawl(doctor: Doctor, hubs: Hubs, folder: Path) -> None:
    ended = doctor("--json", environment=dict(os.environ))
    assert ended.returncode == 0, ended.stdout
    found = findings(ended)
    assert found.keys() >= {"git", "git-lfs", "browser", "space", "links", "case", "names", "locks", "token", "clock"}
    assert found.keys() >= {"huggingface", "modelhub", "modelzoo", "onnxmodelzoo", "pytorchhub", "packages", "settings"}
    assert {state for state, _, _ in found.values()} <= {"ok", "warning"}
    assert list(folder.iterdir()) == []
    lines = doctor("modelhub").stdout.splitlines()
    assert any(line.startswith("ok       modelhub         http://127.0.0.1") for line in lines)
    assert not any("huggingface" in line for line in lines)


@pytest.mark.parametrize(
    ("settings", "check", "found", "advice"),
    [
        ({"HUGGINGFACE_URL": "http://127.0.0.1:1"}, "huggingface", "cannot be reached", "the setting"),
        ({"HUGGINGFACE_URL": "nonsense"}, "settings", "HUGGINGFACE_URL=nonsense: not accepted", "another value"),
        ({"CLONE_MIN_FREE": "1000TB"}, "space", "free", "free some space"),
        ({"CLONE_MIN_FREE": "much"}, "settings", "CLONE_MIN_FREE=much: not accepted", "another value"),
        ({"DATA_DIR": "/proc/nowhere"}, "writable", "cannot be written", "choose another DATA_DIR"),
        (
            {"ONNXMODELZOO_REPOSITORY": "https://127.0.0.1:1/x"},
            "onnxmodelzoo",
            "cannot be reached",
            "the setting",
        ),
        ({"CLONE_CLUSTER": "tcp://127.0.0.1:1"}, "cluster", "not accepted", "start the scheduler"),
    ],
)
def test_problems_are_reported(doctor: Doctor, settings: dict[str, str], check: str, found: str, advice: str) -> None:
    ended = doctor("--json", **settings)
    assert ended.returncode == 1
    state, said, to_do = findings(ended)[check]
    assert state == "wrong"
    assert found in said
    assert advice in to_do
    assert "Traceback" not in ended.stderr


def test_a_hub_that_answers_with_errors(doctor: Doctor, hubs: Hubs) -> None:
    hubs.faults.add("^/modelhub", status=503)
    ended = doctor("--json")
    assert ended.returncode == 1
    wrong = {check for check, (state, _, _) in findings(ended).items() if state == "wrong"}
    assert wrong == {"modelhub"}
    assert "HTTP status 503" in findings(ended)["modelhub"][1]


def programs(folder: Path, **versions: str) -> dict[str, str]:
    """Return an environment with these programs and no others."""
    (folder / "bin").mkdir()
    for name, text in versions.items():
        path = folder / "bin" / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\necho '{text}'\n")
        path.chmod(0o755)
    return {"PATH": str(folder / "bin")}


def test_programs_that_are_missing_old_or_vulnerable(doctor: Doctor, tmp_path: Path) -> None:
    ended = doctor("--json", environment=programs(tmp_path, git="git version 2.20.1"))
    found = findings(ended)
    assert ended.returncode == 1
    assert found["git"] == ["wrong", "2.20.1 is too old", "install 2.39 or later"]
    assert found["git-lfs"][:2] == ["wrong", "is not installed"]
    assert found["browser"][0] == "warning"


def test_vulnerable_and_fixed_releases_are_distinguished(doctor: Doctor, tmp_path: Path) -> None:
    environment = programs(tmp_path, git="git version 2.50.0", git_lfs="git-lfs/3.7.1 (GitHub; linux)")
    found = findings(doctor("--json", environment=environment))
    assert found["git"][:2] == ["warning", "2.50.0 has CVE-2025-48384, CVE-2025-48385"]
    assert found["git-lfs"][:2] == ["ok", "3.7.1"]
    assert [is_closed((2, 43, release), {43: 7, 44: 4}) for release in (6, 7)] == [False, True]


@pytest.mark.parametrize(("given", "state"), [(TOKEN, "ok"), ("hf_wrong", "wrong")])
def test_the_token(folder: Path, doctor: Doctor, hubs: Hubs, given: str, state: str) -> None:
    hubs.token = TOKEN
    ended = doctor("--json", HUGGINGFACE_TOKEN=given)
    assert findings(ended)["token"][0] == state
    assert given not in ended.stdout + ended.stderr
    told = [request.path for request in hubs.requests if given in str(request.headers)]
    assert told == ["/api/whoami-v2"]


def test_the_token_is_for_no_other_host(doctor: Doctor, hubs: Hubs) -> None:
    with Hubs(models=1) as elsewhere:
        hubs.faults.add("whoami", status=302, headers={"Location": f"{elsewhere.url}/api/whoami-v2"})
        assert findings(doctor("--json", HUGGINGFACE_TOKEN=TOKEN))["token"][0] == "warning"
        assert not elsewhere.requests


def test_a_clock_that_is_wrong(doctor: Doctor, hubs: Hubs) -> None:
    date = {"Date": "Mon, 01 Jan 2029 00:00:00 GMT"}
    hubs.faults.add("^/api/models|^/modelhub|^/hub|^/modelzoo|^/pytorch", status=200, headers=date)
    ended = doctor("--json")
    assert ended.returncode == 1
    assert findings(ended)["clock"][0] == "wrong"
    assert "seconds behind" in findings(ended)["clock"][1]


def test_no_such_hub(doctor: Doctor) -> None:
    ended = doctor("github")
    assert ended.returncode == 2
    assert "unknown hub 'github' (choose from huggingface" in ended.stderr
