"""The wheel in a virtual environment without extras: `ptmtorrent` works from any folder."""

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, command
from tests.hubs import Hubs

EXTRAS = re.compile(r"(distributed|dask|playwright|scrapy_playwright)\b.*", re.IGNORECASE)
Run = Callable[..., subprocess.CompletedProcess[str]]


def copy_of_the_project(folder: Path) -> Path:
    """Copy the tracked files, since a build writes into its folder."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            target.write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `ptmtorrent` of a new environment with the wheel and its dependencies, but without extras."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    options = ["--no-deps", "--no-build-isolation"]
    project = copy_of_the_project(folder / "project")
    subprocess.run([*pip, "wheel", *options, "--wheel-dir", str(folder), str(project)], check=True)
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    [site] = (folder / "venv" / "lib").glob("python*/site-packages")
    for path in map(Path, sys.path):
        if path.name == "site-packages":
            for package in path.iterdir():
                if not EXTRAS.fullmatch(package.name) and not package.name.startswith("ptmtorrent"):
                    (site / package.name).symlink_to(package)
    wheel = next(folder.glob("*.whl"))
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    return folder / "venv" / "bin" / "ptmtorrent"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Run `ptmtorrent` in an empty folder."""

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        others = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SCRAPY_SETTINGS_MODULE")
        }
        return subprocess.run(
            [str(installed), *words], cwd=tmp_path, env=others, capture_output=True, text=True, timeout=300, check=False
        )

    return start


def test_a_crawl_from_a_wheel_leaves_valid_records(run: Run, hubs: Hubs, tmp_path: Path) -> None:
    words = command(hubs, tmp_path, "modelhub")
    ended = run(*words[words.index("crawl") :])
    assert ended.returncode == 0, ended.stderr
    records = json.loads((tmp_path / "data" / "modelhub" / "json" / "modelhub.json").read_text())
    assert len(records) > 0
    assert all(record["ModelHub"]["ModelHubName"] == "Modelhub.ai" for record in records)


def test_a_missing_extra_is_one_line_that_says_how_to_install_it(run: Run) -> None:
    ended = run("crawl", "modelhub", "-s", "CLONE_CLUSTER=tcp://127.0.0.1:1")
    assert ended.returncode == 2
    [line] = [line for line in ended.stderr.splitlines() if "CLONE_CLUSTER" in line]
    assert 'pip install "ptmtorrent-scrapy[cluster]"' in line


def test_doctor_warns_of_missing_extras_only(run: Run) -> None:
    found = run("doctor", "modelhub", "-s", "MODELHUB_URL=http://127.0.0.1:1/").stdout.splitlines()
    packages = [line for line in found if line.split()[1] == "packages"]
    assert not any(line.startswith("wrong") for line in packages)
    assert any("ptmtorrent-scrapy[cluster]" in line for line in packages)
    assert any("ptmtorrent-scrapy[browser]" in line for line in packages)


def test_requirements_are_those_of_the_package_and_of_all_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    }
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == declared
