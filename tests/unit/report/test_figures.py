"""The figures of a tree are those of its files, whatever their content."""

from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.report.figures import HubFigures, tree_figures
from ptmtorrent_scrapy.report.records import record_fields
from tests.trees import crawl_line, record, write_hub


def figures(root: Path) -> HubFigures:
    (hub,) = tree_figures(root).hubs
    return hub


def repository(name: str, status: str, **fields: Any) -> dict[str, Any]:
    return {"url": f"https://huggingface.example/{name}", "path": f"repos/{name}", "status": status, **fields}


def test_records_are_counted_by_their_fields(tmp_path: Path) -> None:
    records = [
        record(0, "a/one", ModelTask="ner", ModelLicense="mit", ModelLicenseSPDX=["MIT"], ModelDownloads=0),
        record(1, "a/two", ModelTask="ner", ModelLicense="own", ModelDownloads=1234),
        record(2, "b/three", ModelTask="translation"),
    ]
    write_hub(tmp_path, records=records)
    found = figures(tmp_path).records
    assert found.records == 3
    filled = {each.field: each.records for each in found.filled}
    assert list(filled)[: len(record_fields())] == list(record_fields())
    assert {field: count for field, count in filled.items() if count not in (0, 3)} == {
        "ModelLicense": 2,
        "ModelLicenseSPDX": 1,
        "ModelDownloads": 2,
    }
    assert (filled["ModelTask"], filled["ModelLikes"]) == (3, 0)
    assert {each.field: each.values for each in found.top} == {
        "ModelTask": [("ner", 2), ("translation", 1)],
        "ModelLibrary": [],
        "ModelArchitecture": [],
        "ModelOwner": [("a", 2), ("b", 1)],
    }
    assert (found.licenses.values, found.licenses.without, found.spdx) == ([("MIT", 1), ("own", 1)], 1, 1)
    assert [(each.least, each.models) for each in found.downloads if each.models] == [(0, 1), (1000, 1)]
    assert found.lineage is None


def test_rejected_models_are_counted_by_reason_with_examples(tmp_path: Path) -> None:
    rejected = [
        {"name": f"m{number}", "position": number, "reason": "no commit", "detail": "gone"} for number in range(9)
    ]
    write_hub(tmp_path, records=[], rejected=[*rejected, {"name": None, "position": 9, "reason": "no name"}])
    found = figures(tmp_path)
    assert (found.rejections.total, found.models) == (10, 10)
    assert [(each.reason, each.models) for each in found.rejections.reasons] == [("no commit", 9), ("no name", 1)]
    assert found.rejections.reasons[0].examples == [(f"m{number}", "gone") for number in range(5)]
    assert found.rejections.reasons[1].examples == [("model at position 9", "")]


def test_repositories_are_counted_by_status_and_size(tmp_path: Path) -> None:
    lines = [
        repository("a/small", "cloned", git_bytes=10, lfs_bytes=100),
        repository("a/large", "current", git_bytes=20, lfs_bytes=900),
        repository("a/gone", "missing", error="not found"),
        repository("a/part", "partial", error="403", git_bytes=1),
    ]
    hub = write_hub(tmp_path, records=[], repositories=lines)
    for name, size in (("aa/bb/object", 100), ("cc/dd/object", 800)):
        path = hub / "lfs" / "objects" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(size))
    found = figures(tmp_path).repositories
    assert (found.total, found.clones, found.incomplete) == (4, 2, 1)
    assert [(each.path, each.size) for each in found.largest][:2] == [("repos/a/large", 920), ("repos/a/small", 110)]
    assert {each.status: [one.error for one in each.listed] for each in found.failures} == {
        "missing": ["not found"],
        "partial": ["403"],
    }
    assert (found.stored.git, found.stored.objects, found.stored.object_bytes) == (31, 2, 900)
    assert found.stored.shared_bytes == 100


def test_a_hub_is_complete_once_a_crawl_finished_and_no_clone_lacks_something(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[], repositories=[repository("a/b", "cloned"), repository("a/c", "gated")])
    assert figures(tmp_path).is_complete
    write_hub(tmp_path, records=[], repositories=[repository("a/b", "cloned"), repository("a/c", "failed")])
    assert (figures(tmp_path).is_complete, figures(tmp_path).verdict) == (
        False,
        "1 of 2 repositories is not complete; crawl again",
    )


def test_a_crawl_that_ended_early_is_reported_with_the_date_of_the_data(tmp_path: Path) -> None:
    ended_early = crawl_line(started="2026-02-01T00:00:00+00:00", reason="listing_failed", problem="504")
    write_hub(tmp_path, records=[], crawls=[crawl_line(), ended_early])
    found = figures(tmp_path)
    assert not found.is_complete
    assert found.verdict == "the last crawl ended early (listing_failed); data is of the crawl of 2026-01-01"
    assert found.crawl is not None
    assert found.crawl.problem == "504"


def test_a_running_crawl_is_reported(tmp_path: Path) -> None:
    hub = write_hub(tmp_path, records=[])
    (hub / "json" / ".huggingface~begun").write_text('{"started": "2026-02-01T10:00:00+00:00"}\n')
    found = figures(tmp_path)
    assert (found.is_complete, found.verdict) == (
        False,
        "a crawl that started at 2026-02-01T10:00 is running or was killed; the next one continues",
    )


def test_schema_changes_and_growth_come_from_the_crawls(tmp_path: Path) -> None:
    counts = {"models": 7, "records": 5, "rejected": {"no commit": 2}, "repositories": {"cloned": 1, "gated": 1}}
    write_hub(tmp_path, crawls=[crawl_line(), crawl_line(counts={**counts, "schema_changes": {"likes is string": 4}})])
    found = figures(tmp_path).history
    assert (found.total, [crawl.records for crawl in found.crawls]) == (2, [1, 5])
    assert found.last is not None
    assert (found.last.rejected, found.last.clones, found.last.schema_changes) == (2, 1, [("likes is string", 4)])


def test_families_follow_base_models_and_licences_meet(tmp_path: Path) -> None:
    records = [
        record(0, "a/root", ModelLicense="mit"),
        record(1, "a/child", ModelBaseModels=["a/root"], ModelBaseModelRelation="finetune", ModelLicense="mit"),
        record(2, "a/grandchild", ModelBaseModels=["a/child"], ModelBaseModelRelation="quantized"),
        record(3, "a/other", ModelBaseModels=["else/where", "a/root"]),
        record(4, "a/self", ModelBaseModels=["a/self"]),
        record(5, "a/ping", ModelBaseModels=["a/pong"]),
        record(6, "a/pong", ModelBaseModels=["a/ping"]),
    ]
    write_hub(tmp_path, records=records)
    lineage = figures(tmp_path).records.lineage
    assert lineage is not None
    assert lineage.with_base == 6
    assert [(each.root, each.models, each.generations, each.is_collected) for each in lineage.families] == [
        ("a/root", 2, 2, True),
        ("a/ping", 1, 1, True),
        ("else/where", 1, 1, False),
    ]
    assert dict(lineage.relations) == {"not said": 4, "finetune": 1, "quantized": 1}
    assert ("mit", "mit", 1) in lineage.licenses
    assert ("base model not collected", "no licence given", 1) in lineage.licenses


def test_values_of_the_wrong_type_and_broken_lines_cost_themselves(tmp_path: Path) -> None:
    odd = record(0, "a/odd", ModelTask=7, ModelLicense=["x"], ModelBaseModels="gpt2", ModelDownloads="many")
    lines = [{"url": "https://a.example", "status": None, "git_bytes": "x"}, "no JSON"]
    crawls = [{"started": "yesterday", "counts": [], "arguments": 3}]
    write_hub(tmp_path, records=[odd, "7"], repositories=lines, rejected=["[]", {"reason": "r"}], crawls=crawls)
    found = figures(tmp_path)
    assert found.records.records == 1
    assert found.repositories.statuses == [("None", 1)]
    assert len(found.faults) == 3


def test_a_hub_without_records_has_its_repositories(tmp_path: Path) -> None:
    crawls = [crawl_line("huggingface_spaces", counts={"models": 12, "records": None})]
    write_hub(tmp_path, "huggingface_spaces", records=None, objects={"hfs_metadata.json": [{"id": "a"}]}, crawls=crawls)
    found = figures(tmp_path)
    assert (found.models, found.listed, found.records.records, found.title) == (12, "spaces", 0, "Hugging Face spaces")
