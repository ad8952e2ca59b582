"""No file of a package mentions what is not packaged."""

import json
from pathlib import Path
from typing import Any

import pytest

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.publication.files import Entry
from ptmtorrent_scrapy.publication.licenses import rows
from ptmtorrent_scrapy.publication.metadata_files import MetadataFiles
from ptmtorrent_scrapy.publication.repositories import Repositories, UnknownRepository
from ptmtorrent_scrapy.publication.repository_facts import RepositoryFacts
from ptmtorrent_scrapy.storage.tree import DataTree
from ptmtorrent_scrapy.verification.json_files import Files
from tests.trees import COMMIT, crawl_line, listed, record, write_hub
from tests.unit.conftest import open_database

MODELS = (
    listed(0, "org/open"),
    listed(1, "org/secret", private=True),
    listed(2, "org/gated", gated="manual"),
    listed(3, "org/last"),
    listed(4, "gpt2", gated="auto"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a tree of five models with clones: one is private, two are gated."""
    folders = {model["id"]: model["id"] if "/" in model["id"] else f"huggingface.co/{model['id']}" for model in MODELS}
    records = [
        record(position, model["id"], ModelRepositoryPath=f"repos/{folders[model['id']]}", ModelLicense="mit")
        for position, model in enumerate(MODELS)
    ]
    lines: list[dict[str, str | None]] = [
        {"url": f"https://hub.example/{name}", "path": f"repos/{folder}", "commit": COMMIT, "status": "cloned"}
        for name, folder in folders.items()
    ]
    lines.append(
        {"url": "https://hub.example/org/secret-not-cloned", "path": None, "commit": None, "status": "missing"}
    )
    files = [{"repository": line["path"], "path": "README.md"} for line in lines if line["path"]]
    root = tmp_path / "mine"
    crawl = crawl_line(
        snapshot="1", arguments={"ids": "@/home/me/ids.txt"}, settings={"DATA_DIR": str(root), "CLONE_LFS": "auto"}
    )
    write_hub(
        root,
        records=records,
        objects={"hf_metadata.json": MODELS},
        repositories=lines,
        files=files,
        rejected=[{"name": "org/secret", "position": 1, "reason": "x", "detail": "y"}],
        commit_checks=[{"url": "https://hub.example/org/secret", "commit": COMMIT}],
        crawls=[crawl],
    )
    (root / "huggingface" / "snapshots" / "1").mkdir(parents=True)
    (root / "huggingface" / "snapshots" / "1" / "x").write_bytes(b"earlier")
    return root


def chosen(root: Path, **options: Any) -> Repositories:
    repositories = Repositories(open_database())
    for hub in Catalog(root).hubs():
        RepositoryFacts(repositories).read(hub)
    repositories.choose(named=options.get("named", ()), licenses=options.get("licenses"))
    return repositories


def packaged(root: Path, scratch: Path, **options: Any) -> dict[str, Entry]:
    (hub,) = Catalog(root).hubs()
    found = MetadataFiles(hub, chosen(root, **options), scratch).entries()
    return {entry.path.removeprefix("data/huggingface/"): entry for entry in found}


def text(entry: Entry) -> str:
    assert isinstance(entry.content, Path)
    return entry.content.read_text()


def test_a_private_model_is_named_nowhere(root: Path, tmp_path: Path) -> None:
    files = packaged(root, tmp_path / "scratch")
    assert not [path for path, entry in files.items() if 'secret"' in text(entry).replace("secret-not-cloned", "")]
    assert "snapshots/1/x" not in files
    records = json.loads(text(files["json/huggingface.json"]))
    objects = json.loads(text(files["json/metadata/hf_metadata.json"]))
    assert [each["ModelName"] for each in records] == ["org/open", "org/gated", "org/last", "gpt2"]
    for position, each in enumerate(records):
        assert each["id"] == position
        assert each["ModelHub"]["MetadataFilePath"] == "data/huggingface/json/metadata/hf_metadata.json"
        assert objects[each["ModelHub"]["MetadataObjectID"]]["id"] == each["ModelName"]


def test_a_gated_model_is_described_and_has_no_clone(root: Path, tmp_path: Path) -> None:
    files = packaged(root, tmp_path / "scratch")
    paths = {
        each["ModelName"]: each.get("ModelRepositoryPath") for each in json.loads(text(files["json/huggingface.json"]))
    }
    assert paths == {"org/open": "repos/org/open", "org/gated": None, "org/last": "repos/org/last", "gpt2": None}
    for name in ("repositories", "files"):
        assert text(files[f"json/{name}.jsonl"]).count("repos/") == 2


def test_named_repositories_go_in(root: Path, tmp_path: Path) -> None:
    files = packaged(root, tmp_path / "scratch", named=("org/secret", "huggingface/org/gated", "gpt2"))
    assert len(json.loads(text(files["json/huggingface.json"]))) == 5
    assert text(files["json/repositories.jsonl"]).count("repos/") == 5
    assert "snapshots/1/x" in files
    with pytest.raises(UnknownRepository, match="org/none"):
        chosen(root, named=("org/none",))


def test_crawls_say_nothing_of_the_machine(root: Path, tmp_path: Path) -> None:
    line = json.loads(text(packaged(root, tmp_path / "scratch")["json/crawls.jsonl"]))
    assert (line["arguments"], line["settings"]) == ({"ids": "***"}, {"DATA_DIR": "***", "CLONE_LFS": "auto"})
    assert line["snapshot"] is None  # which is not packaged


@pytest.mark.parametrize(
    ("licence", "licences", "expected"),
    [
        ({"ModelLicense": "MIT"}, {"mit"}, True),
        ({"ModelLicense": "mit, apache-2.0"}, {"mit"}, False),
        ({"ModelLicense": "mit, apache-2.0"}, {"mit", "apache-2.0"}, True),
        ({"ModelLicense": "gemma-x", "ModelLicenseSPDX": ["Apache-2.0"]}, {"apache-2.0"}, True),
        ({"ModelLicense": "x", "ModelLicenseSPDX": ["MIT", "GPL-3.0-only"]}, {"mit"}, False),
        ({}, {"mit"}, False),
    ],
)
def test_licences(tmp_path: Path, licence: dict[str, Any], licences: set[str], expected: bool) -> None:
    line = {"url": "https://hub.example/o/m", "path": "repos/o/m", "commit": COMMIT, "status": "cloned"}
    models = [record(0, "o/m", ModelRepositoryPath="repos/o/m", **licence)]
    write_hub(tmp_path, records=models, objects={"hf_metadata.json": [{"id": "o/m"}]}, repositories=[line])
    assert chosen(tmp_path, licenses=licences).is_chosen("huggingface", "o/m") is expected


def test_licences_of_datasets_are_those_of_their_cards(tmp_path: Path) -> None:
    objects = [
        {"id": "o/set", "cardData": {"license": ["mit", "cc-by-4.0"]}},
        {"id": "squad", "cardData": {"license": "mit"}},
    ]
    lines = [
        {"url": f"https://hub.example/datasets/{name}", "path": f"repos/{folder}", "commit": COMMIT, "status": "cloned"}
        for name, folder in (("o/set", "o/set"), ("squad", "hub.example/squad"))
    ]
    write_hub(tmp_path, "sets", records=None, objects={"sets.json": objects}, repositories=lines)
    repositories = chosen(tmp_path, licenses={"mit"})
    assert [each.folder for each in repositories.chosen()] == ["hub.example/squad"]


def test_the_list_of_licences_is_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    line = {"url": "https://hub.example/o/m", "path": "repos/o/m", "commit": COMMIT, "status": "cloned"}
    models = [record(0, "o/m", ModelRepositoryPath="repos/o/m", ModelLicense='=HYPERLINK("x"),\n"y"')]
    write_hub(tmp_path, records=models, objects={"hf_metadata.json": [{"id": "o/m"}]}, repositories=[line])
    database = open_database()
    repositories = Repositories(database)
    RepositoryFacts(repositories).read(Catalog(tmp_path).hubs()[0])
    assert "'=HYPERLINK" in b"".join(rows(database)).decode()


def test_the_files_are_those_of_a_tree(root: Path, tmp_path: Path) -> None:
    for path, entry in packaged(root, tmp_path / "scratch").items():
        place = tmp_path / "data" / "huggingface" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text(entry))
    assert list(Files(DataTree(tmp_path / "data", "huggingface"), 1).records()) == []
