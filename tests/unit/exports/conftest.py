"""A tree that is exported once, for all tests of exports."""

from pathlib import Path

import pytest

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.exports.export import Export
from tests.trees import write_example


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with all exports of the tree."""
    root = tmp_path_factory.mktemp("exported") / "data"
    write_example(root)
    Export(Catalog(root).hubs(), root / "exports").run(["sqlite", "parquet", "fair4ml", "croissant"])
    return root / "exports"
