"""Settings that Scrapy cannot use are named in one line."""

from pathlib import Path

import pytest
from scrapy.settings import Settings

from ptmtorrent_scrapy.commands._common import SetupError
from ptmtorrent_scrapy.commands._settings_check import check_scrapy_settings
from ptmtorrent_scrapy.commands.crawl import check_folders, check_settings, check_version
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.spiders.huggingface import HuggingFaceSpider
from ptmtorrent_scrapy.storage.tree import DataTree


@pytest.fixture
def settings() -> Settings:
    settings = Settings()
    settings.setmodule("ptmtorrent_scrapy.settings")
    return settings


def test_the_settings_of_the_project_are_right(settings: Settings) -> None:
    check_scrapy_settings(settings)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("DOWNLOAD_DELAY", "abc", "a number"),
        ("DOWNLOAD_DELAY", "nan", "a number"),
        ("DOWNLOAD_DELAY", "-1", "a number"),
        ("DOWNLOAD_TIMEOUT", "1m", "a number"),
        ("CONCURRENT_REQUESTS", "2.5", "a whole number"),
        ("CONCURRENT_REQUESTS_PER_DOMAIN", "", "a whole number"),
        ("DOWNLOAD_MAXSIZE", "1GB", "a whole number"),
        ("ROBOTSTXT_OBEY", "maybe", "True or False"),
        ("SCHEDULER", "no.such.Class", "the import path of a class"),
        ("LOG_LEVEL", "LOUD", "one of DEBUG"),
        ("LOG_FILE", "/nonexistent/log", "a file that can be written; this one cannot: No such file or directory"),
        ("CLONE_CONCURENCY", "3", "not a setting; did you mean CLONE_CONCURRENCY?"),
        ("HUGGINGFACE_ULR", "https://hf.example", "not a setting; did you mean HUGGINGFACE_URL?"),
    ],
)
def test_values_of_the_wrong_type(settings: Settings, name: str, value: str, accepted: str) -> None:
    settings.set(name, value, "cmdline")
    with pytest.raises(InvalidOption, match=f"{name}={value}: not accepted; {name} is {accepted}".replace("?", r"\?")):
        check_scrapy_settings(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOWNLOAD_DELAY", "0.5"),
        ("DOWNLOAD_TIMEOUT", "2.5"),
        ("RETRY_PRIORITY_ADJUST", "-1"),
        ("ROBOTSTXT_OBEY", "False"),
        ("MY_OWN_SETTING", "x"),
        ("LOG_LEVEL", "DEBUG"),
    ],
)
def test_values_that_scrapy_takes(settings: Settings, name: str, value: str) -> None:
    settings.set(name, value, "cmdline")
    check_scrapy_settings(settings)


def test_a_misspelled_variable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTMTORRENT_CLONE_CONCURENCY", "3")
    with pytest.raises(InvalidOption, match="did you mean PTMTORRENT_CLONE_CONCURRENCY"):
        check_scrapy_settings(settings)


@pytest.mark.parametrize("url", ["https://hf.example/?x=1", "https://hf.example/#models"])
def test_a_url_with_more_than_a_path(settings: Settings, url: str) -> None:
    settings.set("HUGGINGFACE_URL", url, "cmdline")
    with pytest.raises(InvalidOption, match=r"HUGGINGFACE_URL is a URL without a query"):
        check_settings(settings, [HuggingFaceSpider])


@pytest.mark.parametrize(("version", "is_newer"), [("99.0.0", True), ("0.2.99", False), ("0.1.0", False), ("x", False)])
def test_a_tree_of_a_newer_version(tmp_path: Path, version: str, is_newer: bool) -> None:
    tree = DataTree(tmp_path, "huggingface")
    tree.crawls.parent.mkdir(parents=True)
    tree.crawls.write_text(f'{{"started": "2024-01-01T00:00:00Z", "version": "{version}"}}\n')
    if not is_newer:
        check_version(tree)
        return
    with pytest.raises(SetupError, match=r"was written by version 99.0.0, which is newer than this one"):
        check_version(tree)


def test_a_tree_that_cannot_be_read(tmp_path: Path) -> None:
    tree = DataTree(tmp_path, "huggingface")
    tree.folder.mkdir()
    (tree.folder / "json").write_text("a file where a folder is to be")
    with pytest.raises(SetupError, match=r"/huggingface/json is not a folder; move it away"):
        check_folders(tree)
    with pytest.raises(SetupError, match=r"Not a directory; look at .*/huggingface, or choose another DATA_DIR"):
        check_version(tree)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("CLONE_CONCURRENCY", "1001", "a whole number from 1 to 1000"),
        ("CLONE_MIN_RATE", "2GB", "a size up to 1GB"),
        ("CLONE_RETRIES", "999999999", "a whole number up to 1000"),
        ("CLONE_TIMEOUT", "3000000", "a whole number from 1 to 604800"),
    ],
)
def test_values_out_of_range(settings: Settings, name: str, value: str, accepted: str) -> None:
    settings.set(name, value, "cmdline")
    with pytest.raises(InvalidOption, match=f"{name}={value}: not accepted; {name} is {accepted}"):
        check_settings(settings, [HuggingFaceSpider])
