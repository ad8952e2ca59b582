"""Exports of a large listing, compared with a bare pass over its records."""

import sys
from pathlib import Path

import orjson

from benchmarks.measure import Cost, run, run_watched, table
from benchmarks.pages import ListedModels
from ptmtorrent_scrapy.items import Metadata
from ptmtorrent_scrapy.parsers import huggingface
from ptmtorrent_scrapy.records.record import RecordHub, record
from ptmtorrent_scrapy.storage.atomic import JsonArrayFile

_URL = "https://huggingface.co"
_BARE = """
import sys, orjson
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for line in file:
            if len(line) > 2:
                orjson.loads(line.rstrip(b"\\n").removesuffix(b","))
"""


def exports(folder: Path, models: int) -> None:
    """Measure records exported per second, and the memory for it."""
    json = _tree(folder / "data", models)
    bare = run(sys.executable, "-c", _BARE, str(json / "huggingface.json"))
    both = run(sys.executable, "-c", _BARE, str(json / "huggingface.json"), str(json / "metadata" / "hf_metadata.json"))
    rows, peaks = [], []
    for name, least in (("sqlite", bare), ("parquet", both), ("fair4ml", both)):
        cost = _export(folder, name)
        rows.append((f"{name}, as a multiple of a bare orjson pass", *_compared(models, cost, least)))
        used = cost.processor / least.processor
        rows.append(("  its processor time", f"{cost.processor:,.1f} s", f"{used:.1f} x"))
        peaks.append((name, f"{cost.memory / 1e6:,.0f} MB", ""))
    table(f"Exports of {models:,} models, start-up included: records per second", rows)
    table("Their memory at its peak, of all processes", peaks)


def _compared(models: int, cost: Cost, least: Cost) -> tuple[str, str]:
    return f"{models / cost.seconds:,.0f}/s", f"{cost.seconds / least.seconds:.1f} x"


def _export(folder: Path, name: str) -> Cost:
    options = ("-s", f"DATA_DIR={folder / 'data'}", "-o", str(folder / "exports"))
    return run_watched(sys.executable, "-m", "scrapy", "export", name, *options)


def _tree(root: Path, count: int) -> Path:
    """Write the files of a crawl with a number of models; return their folder."""
    json = root / "huggingface" / "json"
    objects = JsonArrayFile(json / "metadata" / "hf_metadata.json")
    records = JsonArrayFile(json / "huggingface.json")
    hub = RecordHub(name="Hugging Face", url=_URL, metadata_path="data/huggingface/json/metadata/hf_metadata.json")
    models = ListedModels(count, seed=1, troubles=False)
    for index in reversed(range(count)):
        listed = models.model(index)
        text = orjson.dumps(listed)
        model = huggingface.model(Metadata(text.decode(), listed), _URL)
        model.position = objects.append(text)
        records.append(orjson.dumps({**record(model, hub), "id": model.position}))
    objects.commit()
    records.commit()
    return json
