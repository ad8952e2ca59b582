"""Help that needs no documentation: arguments of a hub, settings of the project."""

import sys
from pathlib import Path

from tests import processes
from tests.conftest import ROOT


def run(*words: str, **environment: str) -> str:
    program = [sys.executable, "-m", "scrapy", *words]
    ended = processes.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return str(ended.stdout)


def test_the_arguments_of_a_hub_are_listed_with_defaults_and_examples() -> None:
    shown = run("crawl", "huggingface", "-h")
    assert "fraction       0 to 1 (default: 0.1)" in shown
    assert "-a license=permissive" in shown
    assert "min_downloads" not in run("crawl", "modelhub", "--help")


def test_every_argument_that_a_hub_takes_is_explained() -> None:
    from ptmtorrent_scrapy.commands._arguments import ARGUMENTS
    from ptmtorrent_scrapy.spiders.huggingface import HuggingFaceSpider

    assert set(HuggingFaceSpider.selects) <= set(ARGUMENTS)


def test_the_settings_of_the_project_are_listed_without_secrets(tmp_path: Path) -> None:
    shown = run("settings", "--ours", "-s", "HUGGINGFACE_TOKEN=hf_secret", "-s", "DATA_DIR=elsewhere")
    lines = dict(line.split(" = ", 1) for line in shown.splitlines())
    assert lines["DATA_DIR"] == "'elsewhere'"
    assert lines["KEEP_SNAPSHOTS"] == "3"
    assert "hf_secret" not in shown
    assert "BOT_NAME" not in lines
    documented = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in lines if f"`{name}`" not in documented] == []
