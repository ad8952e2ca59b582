"""The database of a running crawl."""

import errno
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.items import Metadata, Model


def model(number: int) -> Model:
    name = f"owner/m{number}"
    url = f"https://hub.example/{name}"
    return Model(
        key=name, metadata=Metadata("{}", {}), name=name, owner="owner", url=url, owner_url=url, repository=url
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crawl"


def add(database: CrawlDatabase, *numbers: int) -> list[bool]:
    return [database.add(model(number), wanted=True, rank=0) for number in numbers]


def test_models_after_the_checkpoint_are_new_to_the_next_crawl(path: Path) -> None:
    database = CrawlDatabase(path)
    add(database, 1, 2)
    database.save(b"page 1", complete=False)
    add(database, 3)
    database.set_result("https://hub.example/owner/m3", b"{}", path=None)
    database.save_results()  # of a repository that was refused, in the middle of a page
    database.close()
    again = CrawlDatabase(path)
    assert again.state() == b"page 1"
    assert add(again, 1, 2, 3) == [False, False, True]
    again.remove()
    assert list(path.parent.iterdir()) == []


def test_results_are_durable_once_the_hub_is_listed(path: Path) -> None:
    database = CrawlDatabase(path)
    database.save(b"complete", complete=True)
    database.set_result("https://hub.example/owner/m", b'{"status": "refused"}', path=None)
    database.save_results()
    database.close()
    with closing(CrawlDatabase(path)) as again:
        assert again.result("https://hub.example/owner/m") == {"status": "refused"}


@pytest.mark.parametrize(("ahead", "is_known"), [(-10, True), (10_000, False)])
def test_a_check_in_the_future_does_not_count(path: Path, ahead: int, is_known: bool) -> None:
    database = CrawlDatabase(path)
    now = int(time.time())
    database.commit_checks.set("https://hub.example/m", hub_id=None, commit="1" * 40, at=now + ahead)
    assert (database.commit_checks.commit("https://hub.example/m", now - 3600) is not None) == is_known
    assert database.commit_checks.was_asked("https://hub.example/m", now - 3600) == is_known
    database.close()


def test_a_full_disk_is_an_error_of_the_disk(path: Path) -> None:
    database = CrawlDatabase(path)
    database._database.execute("PRAGMA max_page_count=20")  # makes SQLite report a full disk
    with pytest.raises(OSError, match="No space left") as raised:
        add(database, *range(10_000))
    assert raised.value.errno == errno.ENOSPC
    database.close()


def test_an_error_of_a_query_is_not_one_of_the_disk(path: Path) -> None:
    with closing(CrawlDatabase(path)) as database, pytest.raises(sqlite3.OperationalError):
        database._database.execute("SELECT nothing FROM nowhere")
