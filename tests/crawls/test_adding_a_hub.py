"""The page about adding a hub, followed step by step in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SHARED

_FILE = re.compile(r"^`([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^At the end of `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STEPS = (
    "ptmtorrent_scrapy/parsers/examplezoo.py",
    "ptmtorrent_scrapy/spiders/examplezoo.py",
    "ptmtorrent_scrapy/records/schemas/examplezoo.json",
    "ptmtorrent_scrapy/settings.py",
    "tests/hubs/examplezoo.py",
)
_TEST = "tests/crawls/test_examplezoo.py"


def follow(project: Path, *, without: str | None = None) -> list[str]:
    """Copy the project and follow the page, except for one step; return the new files."""
    for part in ("ptmtorrent_scrapy", "tests", ".mypy_cache"):
        if (ROOT / part).is_dir():  # the caches of earlier checks save those of the copy a minute
            shutil.copytree(ROOT / part, project / part)
    for name in ("scrapy.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    (project.parent / "shared").symlink_to(SHARED)
    page = (ROOT / "docs" / "adding-a-hub.md").read_text()
    files, settings = dict(_FILE.findall(page)), dict(_SETTING.findall(page))
    assert sorted([*files, *settings]) == sorted([*_STEPS, _TEST])
    for path, content in files.items():
        if path != without:
            (project / path).write_text(content)
    for path, lines in settings.items():
        if path != without:
            with (project / path).open("a") as file:
                file.write(lines)
    return sorted(files)


def test_the_page_holds(folder: Path) -> None:
    project = folder / "project"
    python = [path for path in follow(project) if path.endswith(".py")]
    assert run(project, "pytest", "-q", "-W", "error", _TEST) == ""
    assert run(project, "ruff", "format", "--check", *python) == ""
    assert run(project, "ruff", "check", *python) == ""
    assert run(project, "mypy", *python) == ""
    asked = subprocess.run(
        [sys.executable, "-m", "scrapy", "doctor", "examplezoo", "-s", "EXAMPLEZOO_URL=http://127.0.0.1:1/"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "http://127.0.0.1:1 cannot be reached" in asked.stdout


@pytest.mark.parametrize("step", _STEPS)
def test_no_step_can_be_omitted(folder: Path, step: str) -> None:
    project = folder / "project"
    follow(project, without=step)
    assert run(project, "pytest", "-q", "-x", "-W", "error", _TEST) != ""


def run(project: Path, *command: str) -> str:
    """Return the output of a command if it fails, else an empty string."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # it needs none of them
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr + "failed"
