"""Unchanged pages are not sent again, and an interrupted listing requests no page twice."""

import json
import signal
import subprocess

import pytest

from tests import processes
from tests.conftest import ROOT, Start, command
from tests.hubs import Hubs

PAGES = "^/modelzoo/api/models/"


def test_an_unchanged_index_is_not_sent_again(crawl: Start, hubs: Hubs) -> None:
    first = crawl("modelhub", fraction=0)
    second = crawl("modelhub", fraction=0)
    assert [request.status for request in hubs.asked("^/modelhub/")] == [200, 304]
    assert second.records == first.records
    assert second.read("json/metadata/mh_metadata.json") == first.read("json/metadata/mh_metadata.json")


def test_pages_that_changed_are_sent(crawl: Start, hubs: Hubs) -> None:
    first = crawl("modelzoo", fraction=0)
    hubs.requests.clear()
    path = "/modelzoo/api/models/model-3/"
    changed = first.read("json/metadata/models/model-3_metadata.json") | {"stars": 77_777}
    hubs.faults.add(path, status=200, body=json.dumps(changed))
    second = crawl("modelzoo", fraction=0)
    statuses = {request.path: request.status for request in hubs.asked(PAGES)}
    assert statuses.pop(path) == 200
    assert set(statuses.values()) <= {304, 404}
    assert 77_777 in [record.get("ModelLikes") for record in second.records]
    assert len(second.records) == len(first.records)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_listing_requests_no_page_twice(crawl: Start, hubs: Hubs, folder: object, how: int) -> None:
    hubs.modelzoo.index = hubs.modelzoo.index[:16]
    whole = crawl("modelzoo", fraction=0, DATA_DIR=f"{folder}/whole")
    pages = len(hubs.asked(PAGES))
    hubs.requests.clear()
    hubs.faults.add(PAGES, stall=True, after=pages // 2)
    cut = processes.Popen(command(hubs, folder, "modelzoo", fraction=0), cwd=ROOT, stderr=subprocess.DEVNULL)  # type: ignore[arg-type]
    hubs.wait_for_requests(hubs.arrived + pages // 2 + 2)
    cut.send_signal(how)
    cut.wait(timeout=60)
    answered = {request.path for request in hubs.asked(PAGES)}
    hubs.faults.clear()
    hubs.requests.clear()
    done = crawl("modelzoo", fraction=0)
    assert done.status == 0
    assert answered.isdisjoint(request.path for request in hubs.asked(PAGES))
    assert [record["ModelName"] for record in done.records] == [record["ModelName"] for record in whole.records]


@pytest.mark.parametrize("fault", [{"status": 503}, {"cut": 10}])
def test_an_error_of_a_hub_is_not_hidden_by_the_cache(crawl: Start, hubs: Hubs, fault: dict[str, int]) -> None:
    before = crawl("modelhub", fraction=0)
    hubs.faults.add("^/modelhub/", **fault)
    after = crawl("modelhub", fraction=0)
    assert after.status == 1
    assert "could not be listed" in after.log
    assert after.records == before.records


def test_a_damaged_cached_page_is_requested_again(crawl: Start, hubs: Hubs) -> None:
    first = crawl("modelhub", fraction=0)
    for page in (first.folder / "cache").iterdir():
        page.write_bytes(b"nonsense")
    second = crawl("modelhub", fraction=0)
    assert second.status == 0
    assert second.records == first.records
