"""Fixtures of the tests of cloning: a listing and a data tree, without a crawl."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ptmtorrent_scrapy.crawl.database import CrawlDatabase
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.storage.tree import DataTree

AddModel = Callable[..., None]


@pytest.fixture
def tree(tmp_path: Path) -> DataTree:
    tree = DataTree(tmp_path, "huggingface")
    tree.work.parent.mkdir(parents=True)
    return tree


@pytest.fixture
def listing(tree: DataTree) -> Iterator[CrawlDatabase]:
    listing = CrawlDatabase(tree.work)
    yield listing
    listing.close()


@pytest.fixture
def add_model(listing: CrawlDatabase) -> AddModel:
    """List a model: its key, and its repository at a base URL."""

    def add(key: str, base: str = "https://hub.example", folder: str | None = None, rank: int = 0) -> None:
        model = Model(
            key=key,
            metadata=Metadata("", None),
            name=key,
            owner="o",
            url=f"{base}/{key}",
            owner_url=base,
            repository=f"{base}/{key}",
            folder=folder or key,
            commit="1" * 40,
        )
        listing.add(model, wanted=True, rank=rank)

    return add
