"""Internal errors have limited effects, and are not reported as success."""

import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Start
from tests.hubs import Hubs

_SPIDER = """
from ptmtorrent_scrapy.spiders.modelhub import ModelhubSpider

class Faulty(ModelhubSpider):
    name = "modelhub"

    def model(self, metadata):
        if metadata.value["name"] == "model-7" and {in_model}:
            raise ZeroDivisionError
        return super().model(metadata)

    def models(self, listing):
        for number, item in enumerate(super().models(listing)):
            if number == 7 and {in_callback}:
                raise ZeroDivisionError
            if number == 7 and {in_pipeline}:
                item.position = item.metadata = None
            yield item
"""


@pytest.fixture
def faulty(crawl: Start, folder: Path) -> Start:
    """Return a function that crawls Modelhub with a spider that has a bug."""

    def start(fault: str) -> object:
        flags = {name: name == fault for name in ("in_model", "in_callback", "in_pipeline")}
        (folder / "faulty.py").write_text(_SPIDER.format(**flags))
        environment = {"PYTHONPATH": f"{ROOT}:{folder}:{':'.join(sys.path)}"}
        return crawl("modelhub", environment=environment, fraction=0, SPIDER_MODULES="faulty")

    return start  # type: ignore[return-value]


def test_a_fault_in_a_field_costs_a_model(faulty: Start, hubs: Hubs) -> None:
    done = faulty("in_model")
    assert done.status == 1
    assert len(done.records) == len(hubs.modelhub.models) - 1
    assert len(done.read("json/metadata/mh_metadata.json")) == len(hubs.modelhub.models)
    assert "Modelhub.ai: failed" in done.log


@pytest.mark.parametrize("fault", ["in_callback", "in_pipeline"])
def test_a_listing_that_lost_a_model_by_a_fault_is_not_written(crawl: Start, faulty: Start, fault: str) -> None:
    before = crawl("modelhub", fraction=0).records
    done = faulty(fault)
    assert done.status == 1
    assert done.records == before
    assert "Modelhub.ai: listing_failed" in done.log
