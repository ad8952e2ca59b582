"""Datasets that models name, checked against the listing of datasets."""

import json
from pathlib import Path

from ptmtorrent_scrapy.items import Dataset
from ptmtorrent_scrapy.parsers.huggingface import dataset_papers
from ptmtorrent_scrapy.records.datasets import ListedDatasets

_LISTED = [
    {"id": "stanfordnlp/IMDB", "tags": ["license:other", "arxiv:1108.00000", "arxiv:1409.0473", "arxiv:1706.03762"]},
    {"id": "glue", "tags": None},
    "no object",
    {"no": "id"},
]


def dataset(name: str) -> Dataset:
    return Dataset(name=name, owner="a", url=f"https://hub.example/datasets/{name}", owner_url="https://hub.example/a")


def test_a_listed_dataset_gets_its_paper(tmp_path: Path) -> None:
    metadata = tmp_path / "hfd_metadata.json"
    metadata.write_text("[\n" + ",\n".join(map(json.dumps, _LISTED)) + "\n]\n")
    listed = ListedDatasets(metadata, dataset_papers)
    imdb, glue, unknown = dataset("stanfordnlp/imdb"), dataset("glue"), dataset("nobody/nothing")
    assert [listed.check(each) for each in (imdb, glue, unknown)] == [True, True, False]
    assert [each.paper for each in (imdb, glue, unknown)] == ["10.48550/arXiv.1409.0473", None, None]
    listed.close()
