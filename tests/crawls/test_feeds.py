"""Scrapy's feed exports of a crawl's items."""

import json
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.hubs import Hubs


@pytest.mark.parametrize("hub", ["huggingface", "modelzoo"])
def test_a_feed_has_the_models_and_no_pages(crawl: Start, hubs: Hubs, folder: Path, hub: str) -> None:
    feed = folder / "models.jsonl"
    done = crawl(hub, fraction=0, FEEDS=json.dumps({str(feed): {"format": "jsonlines"}}))
    assert (done.status, done.errors) == (0, [])
    items = feed.read_text().splitlines()
    assert len(items) == len(done.records) + len(done.read("json/rejected.jsonl"))
