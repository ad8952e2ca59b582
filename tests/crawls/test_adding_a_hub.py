"""The page about adding a hub, followed to the letter in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, SHARED

_FILE = re.compile(r"^`([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^At the end of `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_holds(folder: Path) -> None:
    project = folder / "project"
    for part in ("ptmtorrent_scrapy", "tests"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("scrapy.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    (folder / "shared").symlink_to(SHARED)
    page = (ROOT / "docs" / "adding-a-hub.md").read_text()
    files = dict(_FILE.findall(page))
    assert len(files) == 3
    for path, content in files.items():
        (project / path).write_text(content)
    for path, line in _SETTING.findall(page):
        with (project / path).open("a") as settings:
            settings.write(line)
    run(project, "pytest", "-q", "-W", "error", "tests/crawls/test_examplezoo.py")
    python = [path for path in files if path.endswith(".py")]
    run(project, "ruff", "format", "--check", *python)
    run(project, "ruff", "check", *python)
    run(project, "mypy")
    asked = subprocess.run(
        [sys.executable, "-m", "scrapy", "doctor", "examplezoo", "-s", "EXAMPLEZOO_URL=http://127.0.0.1:1/"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "examplezoo       http://127.0.0.1:1 cannot be reached" in asked.stdout


def run(project: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
