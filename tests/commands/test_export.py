"""`scrapy export` and `scrapy find`, and other tools that read the exports.

The tests import these tools themselves: pytest's other processes collect them, but do not run them.
"""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests import processes
from tests.conftest import ROOT
from tests.trees import BERT, PLAIN, SHARED, TUNED, listed, record, write_example, write_hub

# rdflib uses a class of its own that is deprecated, mlcroissant an argument of pandas.
_JUDGE = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def command(data: Path, *arguments: str) -> list[str]:
    """Return the command line of a scrapy command on a tree."""
    return [sys.executable, "-m", "scrapy", *arguments, "-s", f"DATA_DIR={data}"]


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a scrapy command on a tree."""
    return processes.run(command(data, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tree of two hubs and of spaces."""
    root = tmp_path_factory.mktemp("tree") / "data"
    write_example(root)
    return root


@pytest.fixture(scope="module")
def finished(tree: Path) -> subprocess.CompletedProcess[str]:
    """Return the command that exported the tree in all formats."""
    return run(tree, "export", "all", "--json")


@pytest.fixture(scope="module")
def exported(tree: Path, finished: subprocess.CompletedProcess[str]) -> Path:
    """Return the folder with all exports."""
    assert finished.returncode == 0, finished.stderr
    return tree / "exports"


def test_files_are_named_with_their_rows(finished: subprocess.CompletedProcess[str], exported: Path) -> None:
    files = {Path(line["path"]): line for line in map(json.loads, finished.stdout.splitlines())}
    assert {path.relative_to(exported).as_posix(): line["rows"] for path, line in files.items()} == {
        "ptmtorrent.sqlite": 5,
        "records.parquet": 5,
        "base_models.parquet": 2,
        "repositories.parquet": 2,
        "files.parquet": 3,
        "huggingface/models.parquet": 3,
        "huggingface/spaces.parquet": 3,
        "fair4ml.jsonl": 5,
        "croissant.json": None,
        "metadata.json": None,
    }
    assert all(path.stat().st_size == line["bytes"] for path, line in files.items())
    assert sorted(path.name for path in exported.iterdir() if path.name.startswith(".")) == []
    assert finished.stderr == ""


def test_missing_data_of_a_tree_is_a_warning(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(0, "org/a"), "broken"], objects={"hf_metadata.json": [listed(0, "org/a")]})
    done = run(tmp_path, "export", "sqlite", "huggingface", "-o", str(tmp_path / "out.db"))
    assert done.returncode == 0
    assert "out.db  1 row" in done.stdout
    assert done.stderr.splitlines() == [
        "warning: huggingface has no json/repositories.jsonl, json/files.jsonl, json/rejected.jsonl",
        "warning: huggingface: cannot be read and is not exported: json/huggingface.json: element 1 is not JSON",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["export", "csv"], 2, "'csv' is not a format (choose from sqlite, parquet, fair4ml, croissant, all)"),
        (["export"], 2, "a format is missing"),
        (["export", "sqlite", "modelhub"], 2, "'modelhub' is not a hub in"),
        (["find"], 2, "a hash or a pattern is missing"),
        (["find", "*", "modelhub"], 2, "'modelhub' is not a hub in"),
    ],
)
def test_wrong_usage_is_one_line(tree: Path, arguments: list[str], status: int, message: str) -> None:
    done = run(tree, *arguments)
    assert done.returncode == status
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_tree_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    done = run(tmp_path / "nowhere", "export", "all")
    assert done.returncode == 1
    assert done.stderr.startswith("scrapy export: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_kill_leaves_the_previous_export(tmp_path: Path) -> None:
    write_hub(tmp_path, records=[record(0, "org/first")])
    assert run(tmp_path, "export", "sqlite").returncode == 0
    previous = (tmp_path / "exports" / "ptmtorrent.sqlite").read_bytes()
    tags = [f"tag-{n}" for n in range(40)]
    write_hub(tmp_path, records=[record(n, f"org/m{n}", ModelTags=tags) for n in range(20_000)])
    started = processes.Popen(command(tmp_path, "export", "sqlite"), cwd=ROOT, stderr=subprocess.DEVNULL)
    begun = tmp_path / "exports" / ".ptmtorrent.sqlite~new"
    while not begun.exists() and started.poll() is None:
        os.sched_yield()
    os.kill(started.pid, signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert (tmp_path / "exports" / "ptmtorrent.sqlite").read_bytes() == previous
    write_hub(tmp_path, records=[record(0, "org/second")])
    assert run(tmp_path, "export", "sqlite").returncode == 0
    names = sorted(path.name for path in (tmp_path / "exports").iterdir())
    assert names == ["metadata.json", "ptmtorrent.sqlite"]
    with closing(sqlite3.connect(tmp_path / "exports" / "ptmtorrent.sqlite")) as database:
        assert database.execute("SELECT context_id FROM model").fetchall() == [("org/second",)]


def test_formats_of_one_export_are_of_one_crawl(tmp_path: Path) -> None:
    """The tree is replaced repeatedly while it is exported, as by consecutive crawls."""
    names = [[f"{crawl}/m{n}" for n in range(3000)] for crawl in ("a", "b")]
    trees = []
    for number, crawl in enumerate(names):
        root = tmp_path / f"tree-{number}"
        objects = [listed(n, name) for n, name in enumerate(crawl)]
        write_hub(
            root, records=[record(n, name) for n, name in enumerate(crawl)], objects={"hf_metadata.json": objects}
        )
        trees.append(root / "huggingface" / "json")
    data = tmp_path / "data"
    write_hub(data, records=[record(0, "a/m0")], objects={"hf_metadata.json": [listed(0, "a/m0")]})
    exporting = processes.Popen(
        command(data, "export", "all"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    json_folder, turn = data / "huggingface" / "json", 0
    while exporting.poll() is None:
        turn += 1
        for path in ("metadata/hf_metadata.json", "huggingface.json"):
            beside = json_folder / f".{Path(path).name}~copy"
            beside.write_bytes((trees[turn % 2] / path).read_bytes())
            beside.replace(json_folder / path)
    assert exporting.stderr is not None
    errors = exporting.stderr.read()
    exporting.stderr.close()
    assert exporting.returncode == 0, errors
    import pandas

    with closing(sqlite3.connect(data / "exports" / "ptmtorrent.sqlite")) as database:
        models = [row[0] for row in database.execute("SELECT context_id FROM model ORDER BY id")]
    records = pandas.read_parquet(data / "exports" / "records.parquet", columns=["ModelName"])["ModelName"].tolist()
    assert records == models
    assert len({name.partition("/")[0] for name in models}) == 1


def test_pandas_and_polars_read_every_parquet_file(exported: Path) -> None:
    import pandas
    import polars

    for path in exported.rglob("*.parquet"):
        assert len(pandas.read_parquet(path)) == len(polars.read_parquet(path)) > 0


def test_find_by_content_and_by_path(tree: Path) -> None:
    done = run(tree, "find", SHARED, "--json")
    assert done.returncode == 0
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["models"], line["path"], line["state"]) for line in found] == [
        ([BERT], "model.bin", "stored"),
        ([TUNED], "w/model.bin", "pointer"),
    ]
    by_blob = run(tree, "find", "2" * 40)
    assert by_blob.stdout == f"huggingface  {BERT}  README.md  9 B\n"
    assert [line.split()[1] for line in run(tree, "find", "w/*.bin").stdout.splitlines()] == [TUNED]
    nothing = run(tree, "find", "0" * 64)
    assert (nothing.returncode, nothing.stdout) == (1, "")


def test_a_query_of_peatmoss_by_sqlalchemy_gives_numbers(exported: Path) -> None:
    """The question of PeaTMOSS's demonstration: how often are the most downloaded models reused?"""
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{exported / 'ptmtorrent.sqlite'}")
    tables = sqlalchemy.MetaData()
    tables.reflect(engine, only=["model", "model_to_reuse_repository"])
    model, reuse = tables.tables["model"], tables.tables["model_to_reuse_repository"]
    with engine.connect() as connection:
        query = (
            sqlalchemy.select(model.c.context_id, sqlalchemy.func.count(reuse.c.model_id))
            .outerjoin(reuse, reuse.c.model_id == model.c.id)
            .group_by(model.c.id)
            .order_by(sqlalchemy.desc(model.c.downloads))
            .limit(100)
        )
        assert [tuple(row) for row in connection.execute(query)][:3] == [(PLAIN, 1), (BERT, 2), (TUNED, 0)]
    engine.dispose()


@_JUDGE
def test_the_graph_conforms_to_the_shapes(exported: Path) -> None:
    import rdflib
    from pyshacl import validate

    graph = rdflib.Graph()
    for line in (exported / "fair4ml.jsonl").read_text().splitlines():
        graph.parse(data=line, format="json-ld")
    shapes = rdflib.Graph().parse(Path(__file__).with_name("fair4ml-shapes.ttl"))
    conforms, _, report = validate(graph, shacl_graph=shapes)
    assert conforms, report
    models = graph.subjects(rdflib.RDF.type, rdflib.URIRef("https://w3id.org/fair4ml#MLModel"))
    assert len(set(models)) == 5  # three of Hugging Face, one that only others name, two of one name and address


@_JUDGE
def test_the_programs_of_the_page_on_exports_run(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(exported.parent.parent)
    programs = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "export.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(programs) == 4
    for program in programs:
        exec(program, {})
    assert PLAIN in capsys.readouterr().out


@_JUDGE
def test_mlcroissant_accepts_it_and_loads_records(exported: Path) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(exported / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    names = [row["records/ModelName"].decode() for row in dataset.records("records")]
    assert names[:3] == [PLAIN, TUNED, BERT]
    models = list(dataset.records("huggingface/models"))
    assert models[0]["huggingface/models/id"] == BERT.encode()
    assert models[0]["huggingface/models/tags"] == [b"pytorch", b"license:mit"]
    assert len(list(dataset.records("files"))) == 3
