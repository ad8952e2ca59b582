"""The Python of the documentation runs on a crawled tree."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Start
from tests.hubs import Hubs

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def tree(crawl: Start, folder: Path, hubs: Hubs) -> Path:
    """Return a folder with a data tree of two hubs."""
    assert crawl("huggingface", fraction=0.2).status == 0
    assert crawl("modelhub").status == 0
    return folder


def test_diagrams_are_drawn_without_the_network() -> None:
    pages = [page.read_text() for page in (ROOT / "docs").glob("*.md")]
    drawn = [page for page in pages if "```mermaid" in page]
    assert drawn
    assert all('<script src="../vendor/mermaid.tiny.js">' in page for page in drawn)


def test_pages_about_the_data_run(tree: Path) -> None:
    for page in ("tutorial", "analysis", "python", "from-ptmtorrent"):
        program = "\n".join(BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text()))
        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, f"{page}: {ended.stderr}"
        assert ended.stdout
