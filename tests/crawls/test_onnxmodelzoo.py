"""ONNX Model Zoo: a repository becomes models, on the stand-in and on the real hub's files."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest

from ptmtorrent_scrapy.formats import safe_yaml
from ptmtorrent_scrapy.git.last_commits import last_commits
from ptmtorrent_scrapy.parsers.onnx_pages import in_repository, page_files
from tests.conftest import Crawl, Start, git
from tests.hubs import Hubs, Repository
from tests.hubs.content import File, Large
from tests.hubs.onnxmodelzoo import MANIFEST_ONLY, PATH, ROWS, UNVALIDATED

CLASS_KEYS = ["id", "ModelClass", "ModelREADMEPath", "RepoREADMEPath", "Paper", "Description", "HFSpaceURL", "Category"]
ROW_KEYS = [
    *("id", "Model", "ModelSize", "ModelPath", "ONNXVersion", "OpsetVersion", "Top-1% Accuracy", "Top-5% Accuracy"),
    *("Accuracy", "mAP", "mIOU", "Mean IoU", "LFW * accuracy (%)", "CFP-FF * accuracy (%)", "CFP-FP * accuracy (%)"),
    *("AgeDB-30 * accuracy (%)", "Dataset", "Top-1 Error (%)", "Category", "GitHub URL"),
    *("ModelSampleSize", "ModelSamplePath"),
]
TREE = "https://github.com/onnx/models/tree/main/"


def described(crawl: Crawl, record: dict[str, Any]) -> Any:
    """Return the object that a record names."""
    hub = record["ModelHub"]
    path = hub["MetadataFilePath"].removeprefix("data/onnxmodelzoo/")
    return crawl.read(path)[hub["MetadataObjectID"]]


def of_file(crawl: Crawl, name: str) -> list[dict[str, Any]]:
    """Return the records whose objects are in a metadata file."""
    return [record for record in crawl.records if record["ModelHub"]["MetadataFilePath"].endswith(f"/{name}")]


def test_a_complete_crawl(crawl: Start, published: jsonschema_rs.Validator) -> None:
    crawled = crawl("onnxmodelzoo", fraction=0)
    assert (crawled.status, crawled.errors) == (0, [])
    assert [error.message for record in crawled.records for error in published.iter_errors(record)] == []
    assert [record["id"] for record in crawled.records] == list(range(len(ROWS) + 1 + UNVALIDATED))
    rows = of_file(crawled, "omz_models_metadata.json")
    assert [(record["ModelName"], described(crawled, record)["ModelPath"]) for record in rows] == list(ROWS)
    (entry,) = of_file(crawled, "omz_manifest.json")
    assert (entry["ModelName"], described(crawled, entry)["model_path"]) == ("Gamma", MANIFEST_ONLY)
    folders = of_file(crawled, "omz_unvalidated_metadata.json")
    assert [record["ModelName"] for record in folders] == [described(crawled, each)["model_name"] for each in folders]
    assert crawled.statuses == {"onnx/models": "cloned"}
    assert "schema change" not in crawled.log
    assert crawled.read("json/rejected.jsonl") == []


def test_fields(crawl: Start) -> None:
    crawled = crawl("onnxmodelzoo")
    records = {record["ModelName"]: record for record in crawled.records}
    clone = crawled.folder / "repos" / "onnx" / "models"
    alpha = records["Alpha"]
    assert alpha["ModelURL"] == f"{TREE}validated/vision/alpha"
    assert (alpha["ModelOwner"], alpha["ModelOwnerURL"]) == ("ONNX", "https://github.com/onnx")
    assert alpha["ModelHub"]["ModelHubName"] == "Onnx Model Zoo"
    assert (alpha["ModelTask"], alpha["ModelArchitecture"]) == ("image_classification", "alpha")
    assert alpha["ModelPaperDOIs"] == ["10.48550/arXiv.1801.00001", "10.48550/arXiv.1902.00002"]
    assert records["Beta"]["ModelPaperDOIs"] == ["10.1109/CVPR.2016.90"]
    assert records["Alpha of text"]["ModelTask"] == "machine_comprehension"
    assert "ModelTask" not in records["Unlisted"]
    assert (records["Gamma"]["ModelTask"], records["Gamma"]["ModelArchitecture"]) == ("text, a task", "gamma")
    assert records["Gamma"]["ModelPaperDOIs"] == ["10.48550/arXiv.1902.00003"]
    folder = records["model1"]
    assert folder["ModelURL"] == f"{TREE}Natural_Language_Processing/model1_Opset16_timm"
    assert (folder["ModelOwner"], folder["ModelTask"]) == ("torch_hub", "Natural_Language_Processing")
    assert (folder["ModelArchitecture"], folder["ModelParameters"]) == ("BertModel", 1001)
    assert (folder["ModelBytes"], "ModelBytes" in records["model0"]) == (363008, False)
    paths = {name: path for name, path in ROWS if "://" not in path} | {
        "Gamma": MANIFEST_ONLY,
        "Beta elsewhere": "validated/vision/beta",
        **{f"model{number}": records[f"model{number}"]["ModelURL"].removeprefix(TREE) for number in range(UNVALIDATED)},
    }
    told = {name: git(clone, "log", "-1", "--format=%H", "--", path).strip() for name, path in paths.items()}
    assert told == {name: record["LatestGitCommitSHA"] for name, record in records.items()}
    assert len(set(told.values())) == 4  # no model has that of the README
    assert b"git-lfs" in (clone / ROWS[2][1]).read_bytes()  # its .lfsconfig leaves pointers


def test_what_is_kept(crawl: Start) -> None:
    crawled = crawl("onnxmodelzoo")
    classes, rows = (crawled.read(f"json/metadata/omz_{name}.json") for name in ("metadata", "models_metadata"))
    assert all(sorted(each) == sorted(CLASS_KEYS) for each in classes)
    assert all(sorted(row) == sorted(ROW_KEYS) for row in rows)
    assert [each["id"] for each in classes] == list(range(6))
    assert [row["id"] for row in rows] == list(range(len(ROWS)))
    assert classes[0] == {
        "id": 0,
        "ModelClass": "Alpha",
        "ModelREADMEPath": "html/metadata/models/README_vision_alpha.html",
        "RepoREADMEPath": "validated/vision/alpha",
        "Paper": "https://arxiv.org/abs/1801.00001v2",
        "Description": "Small. Fast.",
        "HFSpaceURL": "https://huggingface.co/spaces/onnx/alpha",
        "Category": "image_classification",
    }
    assert [each["Category"] for each in classes[3:5]] == ["Domain-based Image Classification", "machine_comprehension"]
    assert (classes[2]["RepoREADMEPath"], classes[2]["ModelREADMEPath"]) == ("N/A", "N/A")
    alpha = {row["Model"]: row for row in rows}["Alpha"]
    assert (alpha["ModelSize"], alpha["ModelSampleSize"], alpha["ONNXVersion"]) == ("13 MB", "14 MB", "1.2.1")
    assert (alpha["ModelSamplePath"], alpha["OpsetVersion"]) == ("validated/vision/alpha/model/alpha-7.tar.gz", "7")
    assert (alpha["Top-1% Accuracy"], alpha["Top-1 Error (%)"], alpha["mAP"]) == ("70.94", "N/A", "N/A")
    assert [row["mIOU"] for row in rows[5:]] == ["50", "N/A"]
    manifest = crawled.read("json/metadata/omz_manifest.json")
    repository = crawled.folder / "repos" / "onnx" / "models"
    assert manifest == json.loads((repository / "ONNX_HUB_MANIFEST.json").read_text())
    html = crawled.folder / "html" / "metadata"
    assert "<h1>ONNX Model Zoo</h1>" in (html / "README_models.html").read_text()
    assert sorted(page.name for page in (html / "models").iterdir()) == [
        "README_beta.html",
        "README_gamma.html",
        "README_text_alpha.html",
        "README_unlisted.html",
        "README_vision_alpha.html",
    ]


def change(hubs: Hubs, changes: Mapping[str, File | None]) -> None:
    """Serve the stand-in's repository with other files; None removes a file."""
    files = {**hubs.onnxmodelzoo.commits[-1], **changes}
    hubs.serve(PATH, Repository([{path: file for path, file in files.items() if file is not None}]))


@pytest.mark.parametrize("manifest", [b'{"models": []}', b"<html>", b"[" * 100_000, b"\xff", None])
def test_a_broken_manifest_costs_itself(crawl: Start, hubs: Hubs, manifest: bytes | None) -> None:
    change(hubs, {"ONNX_HUB_MANIFEST.json": manifest})
    crawled = crawl("onnxmodelzoo")
    assert (crawled.status, crawled.errors) == (0, [])
    assert len(re.findall("WARNING: ONNX_HUB_MANIFEST.json", crawled.log)) == 1
    assert len(crawled.records) == len(ROWS) + UNVALIDATED


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


def test_broken_statistics_cost_their_folder(crawl: Start, hubs: Hubs) -> None:
    broken: dict[str, File] = {
        "A/bomb/turnkey_stats.yaml": BOMB.encode(),
        "A/deep/turnkey_stats.yaml": b"[" * 100_000,
        "A/list/turnkey_stats.yaml": b"- 1\n",
        "A/object/turnkey_stats.yaml": b"!!python/object/apply:os.system ['true']\n",
        "A/bytes/turnkey_stats.yaml": b"a: !!binary aGFsbG8=\n",
        "A/large/turnkey_stats.yaml": b"a" * 300_000,
        "A/dates/turnkey_stats.yaml": b"model_name: 12\n1: 2020-01-01\npath: ../..\n",
    }
    change(hubs, broken)
    crawled = crawl("onnxmodelzoo")
    assert (crawled.status, crawled.errors) == (0, [])
    rejected = {line["name"]: line["reason"] for line in crawled.read("json/rejected.jsonl")}
    assert rejected == dict.fromkeys(["bomb", "bytes", "deep", "list", "object"], "unreadable statistics")
    assert "WARNING: A/large/turnkey_stats.yaml cannot be read" in crawled.log
    (dates,) = (record for record in crawled.records if record["ModelURL"] == f"{TREE}A/dates")
    assert described(crawled, dates) == {"path": "A/dates", "model_name": 12, "1": "2020-01-01"}
    assert dates["ModelName"] == "dates"
    assert len(crawled.records) == len(ROWS) + 1 + UNVALIDATED + 1


def test_without_its_readme_the_hub_is_not_listed(crawl: Start, hubs: Hubs) -> None:
    before = crawl("onnxmodelzoo").folder
    kept = {path: path.read_bytes() for path in (before / "json").rglob("*.json")}
    change(hubs, {"README.md": None})
    crawled = crawl("onnxmodelzoo")
    assert crawled.status != 0
    assert len(crawled.errors) == 1
    assert kept == {path: path.read_bytes() for path in (before / "json").rglob("*.json")}
    change(hubs, {"README.md": b"x" * 300_000})
    assert crawl("onnxmodelzoo").status != 0
    assert kept == {path: path.read_bytes() for path in (before / "json").rglob("*.json")}


def test_a_repository_that_is_gone(crawl: Start, hubs: Hubs) -> None:
    """The clone exists, but the current state of the hub is unknown."""
    url = "https://github.com/zoo/models"
    served = hubs.serve("github.com/zoo/models", Repository(hubs.onnxmodelzoo.commits))
    before = crawl("onnxmodelzoo", ONNXMODELZOO_REPOSITORY=f"{url}.git").records
    assert before[0]["ModelURL"] == f"{url}/tree/main/validated/text/alpha"
    assert before[0]["ModelOwnerURL"] == "https://github.com/zoo"
    served.remove()
    crawled = crawl("onnxmodelzoo", ONNXMODELZOO_REPOSITORY=url)
    assert crawled.status != 0
    assert len(crawled.errors) == 1
    assert crawled.records == before


def test_pages_with_names_that_no_file_system_takes(crawl: Start, hubs: Hubs) -> None:
    name = "x" * 240
    change(hubs, {f"validated/{name}/README.md": b"Model | File\n-|-\nLong | [a](a.onnx)\n"})
    crawled = crawl("onnxmodelzoo")
    assert (crawled.status, crawled.errors) == (0, [])
    assert crawled.log.count("WARNING: a page was not saved") == 1
    assert "Long" in {record["ModelName"] for record in crawled.records}


# The recording has half of the hub's pages and a part of its folders; PATHS.txt has all paths.


def recorded(shared: Path) -> dict[str, bytes]:
    hub = shared / "hubs" / "onnxmodelzoo"
    return {
        path.relative_to(hub).as_posix(): path.read_bytes()
        for path in hub.rglob("*")
        if path.is_file() and path.name != "PATHS.txt"
    }


def newest_commits(clone: Path) -> dict[str, str]:
    """Return the last commit of each file and folder, from the log of a history without merges."""
    newest: dict[str, str] = {}
    commit = ""
    for line in git(clone, "-c", "core.quotePath=off", "log", "--format=commit %H", "--name-only").splitlines():
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line:
            for path in (line, *map(str, Path(line).parents)):
                newest.setdefault(path, commit)
    return newest


def linked(files: dict[str, bytes]) -> list[str]:
    """Return the `.onnx` files that lines of tables on the recorded model pages link."""
    found = []
    for path, page in sorted(files.items()):
        if path.endswith("/README.md"):
            lines = [line for line in page.decode().splitlines() if "|" in line]
            links = [re.search(r"\]\(\s*([^()\s]+\.onnx)", line) for line in lines]
            found += [f"{path.removesuffix('/README.md')}/{unquote(link[1])}" for link in links if link]
    return found


def test_the_real_files(crawl: Start, hubs: Hubs, shared: Path, published: jsonschema_rs.Validator) -> None:
    files = recorded(shared)
    rows, manifest = linked(files), json.loads(files["ONNX_HUB_MANIFEST.json"])
    folders = [path.rpartition("/")[0] for path in files if path.endswith("/turnkey_stats.yaml")]
    listed = (shared / "hubs" / "onnxmodelzoo" / "PATHS.txt").read_text().splitlines()
    onnx = [path for path in listed if path.endswith(".onnx") and path not in files]
    pointers = {path: Large(path.encode()) for path in onnx if path.startswith("validated/")}
    pages = {path: body for path, body in files.items() if path.endswith(".md")}
    some = {path: large for number, (path, large) in enumerate(pointers.items()) if number % 2}
    hubs.serve(PATH, Repository([pages, {**pages, **some}, {**files, **some}, {**files, **pointers}]))
    crawled = crawl("onnxmodelzoo")
    assert (crawled.status, crawled.errors) == (0, [])
    assert "schema change" not in crawled.log
    records = crawled.records
    assert [error.message for record in records for error in published.iter_errors(record)] == []
    of = {
        name: of_file(crawled, f"omz_{name}.json") for name in ("models_metadata", "manifest", "unvalidated_metadata")
    }
    assert sorted(described(crawled, record)["ModelPath"] for record in of["models_metadata"]) == sorted(rows)
    others = [entry["model_path"] for entry in manifest if entry["model_path"] not in rows]
    assert [described(crawled, record)["model_path"] for record in of["manifest"]] == others
    assert sorted(described(crawled, record)["path"] for record in of["unvalidated_metadata"]) == sorted(folders)
    assert (len(rows), len(others), len(folders)) == (86, 98, 120)
    newest = newest_commits(crawled.folder / "repos" / "onnx" / "models")
    for record in records:
        told = described(crawled, record)
        path = told.get("ModelPath") or told.get("model_path") or told["path"]
        assert record["LatestGitCommitSHA"] == newest[path]
    papers = {record["ModelName"]: record.get("ModelPaperDOIs") for record in records}
    assert papers["ResNet50-int8"] == ["10.48550/arXiv.1512.03385", "10.48550/arXiv.1603.05027"]
    assert papers["LResNet100E-IR"] == ["10.48550/arXiv.1801.07698"]  # its page is not recorded
    assert all(record.get("ModelTask") and record.get("ModelArchitecture") for record in records)
    assert crawled.read("json/metadata/omz_manifest.json") == manifest
    classes = crawled.read("json/metadata/omz_metadata.json")
    assert (
        len(classes) == len(re.findall(r"\]\(validated/", files["README.md"].decode())) + 16
    )  # those without a folder


def test_the_real_files_without_the_models(crawl: Start, hubs: Hubs, shared: Path) -> None:
    """A row of a page has the commit of the nearest folder; manifest entries without a file are rejected."""
    hubs.serve(PATH, Repository([recorded(shared)]))
    crawled = crawl("onnxmodelzoo")
    assert len(crawled.records) == 86 + 120
    assert [line["reason"] for line in crawled.read("json/rejected.jsonl")] == ["no file"] * 184


@pytest.mark.parametrize("seed", range(4))
def test_history_says_what_git_log_says(folder: Path, seed: int) -> None:
    """Branches, merges that take one side, both or none, and files that are added, removed and become folders."""
    random, branches = Random(seed), ["main"]

    def change(*arguments: str, ok: bool = True) -> None:
        me = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        subprocess.run(["git", *me, *arguments], cwd=folder, capture_output=True, check=ok)

    change("init", "-b", "main")
    change("commit", "--allow-empty", "-m", "(from nothing)")
    for number in range(40):
        change("checkout", "-f", random.choice(branches))
        match random.choice(("branch", "merge", "merge", "commit", "commit", "commit")):
            case "branch":
                branches.append(f"branch{number}")
                change("checkout", "-b", branches[-1])
            case "merge":
                how = random.choice((("-s", "ours"), ("-X", "ours"), ("-X", "theirs")))
                change("merge", "--no-ff", *how, "-m", "merge", random.choice(branches), ok=False)
                if random.random() < 0.3:
                    (folder / "merged").write_text(str(number))
        for _ in range(random.randrange(3)):
            path = folder / random.choice(("", "a", "a/b", "ä b")) / f"file{random.randrange(6)}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and random.random() < 0.3:
                path.unlink()
            else:
                path.write_text(str(random.randrange(3)))
        change("add", "-A")
        change("commit", "-m", f"Commit {number} (from {'0' * 40})", ok=False)
    change("checkout", "-f", "main")
    told = last_commits(folder, scope="test", timeout=60)
    files = git(folder, "ls-files", "-z").split("\0")[:-1]
    assert set(files) <= told.keys()
    assert told == {path: git(folder, "log", "-1", "--format=%H", "--", path or ".").strip() for path in told}


@pytest.mark.parametrize("text", [BOMB, "[" * 100_000, "{a: " * 100_000, "- " * 10_000, "a: {", "\0", "a" * 300_000])
def test_hostile_yaml(text: str) -> None:
    with pytest.raises(safe_yaml.Broken):
        safe_yaml.load(text)


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("model/a.onnx", "f/model/a.onnx"),
        ("./model/a%20b.onnx?raw=true#x", "f/model/a b.onnx"),
        ("../g/a.onnx", "g/a.onnx"),
        ("/g/a.onnx", "g/a.onnx"),
        ("../../../a.onnx", "a.onnx"),
        ("https://github.com/onnx/models/blob/main/g/a.onnx", "g/a.onnx"),
        ("https://github.com/ONNX/models/raw/refs/heads/main/g/a.onnx?download=", "g/a.onnx"),
        ("https://media.githubusercontent.com/media/onnx/models/main/g/a.onnx", "g/a.onnx"),
        ("https://raw.githubusercontent.com/onnx/models/main/g/a.onnx", "g/a.onnx"),
        ("https://github.com/other/models/raw/main/g/a.onnx", None),
        ("https://example.org/a.onnx", None),
        ("http://[/a.onnx", None),
        ("mailto:a.onnx", None),
        ("#a.onnx", None),
    ],
)
def test_links(link: str, path: str | None) -> None:
    assert in_repository(link, "f", "onnx/models") == path


def test_pages_of_folders_with_the_same_name() -> None:
    folders = ["a/x", "b/x", "c/y", "a_b/z", "a/b_z", "b/a/x", "c/a_x", "x"]
    files = page_files(folders)
    assert sorted(files) == sorted(folders)
    assert len(set(files.values())) == len(folders)
    assert files["c/y"] == "html/metadata/models/README_y.html"
    assert page_files(reversed(folders)) == files
