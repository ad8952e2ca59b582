"""A data tree is read for exports, reports and packages."""

import itertools
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ptmtorrent_scrapy.catalog import Catalog, CatalogError
from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile, beside
from ptmtorrent_scrapy.storage.tree import DataTree
from tests.trees import crawl_line, listed, record, write_array, write_hub, write_models


def test_hubs_are_found(tmp_path: Path) -> None:
    write_models(tmp_path, [listed(0)])
    write_hub(tmp_path, "huggingface_spaces", records=None, objects={"hfs_metadata.json": [{"id": "a/b"}]})
    (tmp_path / "exports" / "json").mkdir(parents=True)
    (tmp_path / "huggingface.log").touch()
    assert [hub.name for hub in Catalog(tmp_path).hubs()] == ["huggingface", "huggingface_spaces"]
    assert [hub.name for hub in Catalog(tmp_path).hubs(["huggingface"])] == ["huggingface"]
    with pytest.raises(CatalogError, match=r"'modelhub' is not a hub in .*; choose from huggingface"):
        Catalog(tmp_path).hubs(["modelhub"])


def test_a_tree_without_a_hub_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="has no data of a hub"):
        Catalog(tmp_path).hubs()
    with pytest.raises(CatalogError, match="cannot be read: No such file or directory"):
        Catalog(tmp_path / "nowhere").hubs()


def test_records_come_with_their_objects(tmp_path: Path) -> None:
    models = [listed(index) for index in range(5)]
    records = [record(position, models[position]["id"]) for position in (0, 2, 3)]
    write_hub(tmp_path, records=records, objects={"hf_metadata.json": models})
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert pair.metadata == ["hf_metadata.json"]
        found = list(pair.records())
        assert pair.read > 0
        assert pair.size >= pair.read
    assert found == [(line, models[line["id"]]) for line in records]
    assert not hub.faults


def test_records_may_name_several_files(tmp_path: Path) -> None:
    records = [
        record(0, "a", hub="onnxmodelzoo", file="one.json"),
        record(1, "b", hub="onnxmodelzoo", file="two.json"),
        record(1, "c", hub="onnxmodelzoo", file="one.json"),
    ]
    one, two = [{"Model": "a"}, {"Model": "c"}], [{"x": 1}, {"model_name": "b"}]
    write_hub(tmp_path, "onnxmodelzoo", records=records, objects={"one.json": one, "two.json": two})
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert [found for _, found in pair.records()] == [{"Model": "a"}, {"model_name": "b"}, {"Model": "c"}]


def test_an_object_of_another_model_is_not_mixed_with_a_record(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(0, "org/a")], objects={"hf_metadata.json": [listed(0, "org/b")]})
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert [found for _, found in pair.records()] == [None]
    assert hub.faults.counts == {"json/metadata/hf_metadata.json": 1}


def test_broken_elements_and_lines_are_counted(tmp_path: Path) -> None:
    write_hub(
        tmp_path,
        records=[record(0, "org/a"), '{"id": 1, "ModelNa', {"id": 2}, record(3, "org/d")],
        objects={"hf_metadata.json": [listed(0, "org/a"), '{"_id', "[]", listed(3, "org/d")]},
        repositories=[{"url": "https://x.example/a"}, "broken", {"path": "repos/a/b"}],
    )
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert [(line["ModelName"], found and found["id"]) for line, found in pair.records()] == [
            ("org/a", "org/a"),
            ("org/d", "org/d"),
        ]
        assert [position for position, _ in pair.objects("hf_metadata.json")] == [0, 3]
    assert [line["url"] for line in hub.repositories()] == ["https://x.example/a"]
    assert dict(hub.faults.counts) == {
        "json/huggingface.json": 2,
        "json/metadata/hf_metadata.json": 2,
        "json/repositories.jsonl": 2,
    }
    assert "json/repositories.jsonl: line 2 is not a JSON object; line 3 has no url" in list(hub.faults.lines())


def test_objects_can_be_read_by_their_place(tmp_path: Path) -> None:
    models = [listed(0), listed(1, card={"a": "\N{SNOWMAN}"})]
    write_models(tmp_path, models)
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        places = [(element.offset, element.length) for element in pair.elements("hf_metadata.json")]
        assert [pair.object_at("hf_metadata.json", *place) for place in reversed(places)] == models[::-1]


def test_files_that_are_replaced_while_they_are_read_stay_readable(tmp_path: Path) -> None:
    write_models(tmp_path, [listed(index) for index in range(3)])
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        reading = pair.records()
        next(reading)
        write_models(tmp_path, [listed(9)])
        assert [line["ModelName"] for line, _ in reading] == ["org/model-1", "org/model-2"]


def test_files_between_two_renames_are_waited_for(tmp_path: Path) -> None:
    """In this tree a crawl has replaced the metadata but not yet the records."""
    folder = write_models(tmp_path, [listed(0, "org/old")])
    records = JsonArrayFile(folder / "json" / "huggingface.json")
    records.append(json.dumps(record(0, "org/new")).encode())
    (folder / ".huggingface~lock").write_text(f"process {os.getpid()} on {os.uname().nodename}")
    write_array(folder / "json" / "metadata" / "hf_metadata.json", [listed(0, "org/new")])
    assert beside(folder / "json" / "huggingface.json").exists()
    timer = threading.Timer(0.2, records.commit)
    timer.start()
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert [(line["ModelName"], found and found["id"]) for line, found in pair.records()] == [
            ("org/new", "org/new")
        ]
    timer.join()


def test_files_between_two_renames_of_a_killed_crawl_are_read(tmp_path: Path) -> None:
    folder = write_models(tmp_path, [listed(0, "org/old")])
    JsonArrayFile(folder / "json" / "huggingface.json").leave()
    (folder / ".huggingface~lock").write_text(f"process {2**22 + 1} on {os.uname().nodename}")
    write_array(folder / "json" / "metadata" / "hf_metadata.json", [listed(0, "org/new")])
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert [(line["ModelName"], found) for line, found in pair.records()] == [("org/old", None)]
    assert hub.faults


def test_missing_files_of_a_hub_are_named(tmp_path: Path) -> None:
    write_hub(tmp_path, records=None, objects=None)
    (hub,) = Catalog(tmp_path).hubs()
    assert hub.missing() == [
        "json/huggingface.json",
        "json/repositories.jsonl",
        "json/files.jsonl",
        "json/rejected.jsonl",
        "json/metadata",
    ]


def test_the_crawl_is_that_which_wrote_the_records(tmp_path: Path) -> None:
    crawls = [
        crawl_line(started="2026-01-01T00:00:00+00:00"),
        crawl_line(started="2026-01-02T00:00:00+00:00", version="0.2.0"),
        crawl_line(started="2026-01-03T00:00:00+00:00", counts={"records": None}, reason="listing_failed"),
        crawl_line(started="2026-01-05T00:00:00+00:00"),
    ]
    folder = write_hub(tmp_path, records=[record(0, "org/a")], crawls=crawls)
    os.utime(folder / "json" / "huggingface.json", (1767500000, 1767500000))  # 4 January 2026
    crawl = Catalog(tmp_path).hubs()[0].crawl()
    assert crawl is not None
    assert (crawl.started, crawl.version, crawl.reason) == ("2026-01-02T00:00:00+00:00", "0.2.0", "finished")


def test_a_running_crawl_that_has_written_the_records_is_named(tmp_path: Path) -> None:
    folder = write_hub(tmp_path, records=[record(0, "org/a")])
    begun = {"started": "2026-01-02T00:00:00+00:00", "ended": None, "version": "0.2.0", "reason": "killed"}
    (folder / "json" / ".huggingface~begun").write_text(json.dumps(begun))
    crawl = Catalog(tmp_path).hubs()[0].crawl()
    assert crawl is not None
    assert (crawl.started, crawl.ended, crawl.reason) == ("2026-01-02T00:00:00+00:00", None, None)


def test_metadata_that_is_no_json_is_a_fault(tmp_path: Path) -> None:
    folder = write_hub(tmp_path, records=[record(0, "a/b")], objects={"hf_metadata.json": [listed(0)]})
    metadata = folder / "json" / "metadata"
    (metadata / "hf_metadata.json").write_bytes(bytes(100))
    (metadata / "index.json").write_text('{"kept": "as it came"}')
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert pair.metadata == []
    assert list(hub.faults.lines()) == ["json/metadata/hf_metadata.json: is not JSON"]


def test_files_that_are_renamed_again_and_again_are_of_one_crawl(tmp_path: Path) -> None:
    tree = DataTree(tmp_path, "huggingface")
    write_hub(tmp_path, records=[record(0, "org/m0")], rejected=[{"name": "org/m0", "reason": "0"}])
    is_over = threading.Event()

    def crawl() -> None:
        for number in itertools.count(1):
            if is_over.is_set():
                return
            records, rejected = JsonArrayFile(tree.records), AtomicFile(tree.rejected)
            records.append(json.dumps(record(0, f"org/m{number}")).encode())
            rejected.file.write(json.dumps({"name": f"org/m{number}", "reason": "0"}).encode())
            records.commit()
            rejected.commit()

    with tree.claim(), ThreadPoolExecutor(1) as pool:
        crawling = pool.submit(crawl)
        try:
            for _ in range(200):
                (hub,) = Catalog(tmp_path).hubs()
                with hub.open() as pair:
                    found = {line["ModelName"] for line, _ in pair.records(with_objects=False)}
                    found |= {line["name"] for line in pair.rejected()}
                assert len(found) == 1
        finally:
            is_over.set()
        crawling.result()


def test_files_of_a_copy_that_is_renewed_are_waited_for(tmp_path: Path) -> None:
    """Another program has replaced the metadata but not yet the records, without a lock."""
    folder = write_models(tmp_path, [listed(0, "org/old")])
    write_array(folder / "json" / "metadata" / "hf_metadata.json", [listed(0, "org/new")])
    timer = threading.Timer(0.1, write_hub, [tmp_path], {"records": [record(0, "org/new")]})
    timer.start()
    (hub,) = Catalog(tmp_path).hubs()
    with hub.open() as pair:
        assert [(line["ModelName"], found is not None) for line, found in pair.records()] == [("org/new", True)]
    assert not hub.faults
    timer.join()
