"""Croissant 1.1: a description of the exported dataset for loaders of machine learning.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from ptmtorrent_scrapy import CONTACT_URL, __version__
from ptmtorrent_scrapy.exports.output import Output
from ptmtorrent_scrapy.exports.parquet.columns import Column
from ptmtorrent_scrapy.exports.parquet.dataset import COLUMNS, KEYS, REFERENCES
from ptmtorrent_scrapy.exports.source import Source
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.storage.atomic import beside

FILE = "croissant.json"
_FORMATS = {
    ".parquet": "application/x-parquet",
    ".jsonl": "application/jsonlines",
    ".sqlite": "application/vnd.sqlite3",
}
_TYPES = {
    "int64": "cr:Int64",
    "double": "cr:Float64",
    "bool": "sc:Boolean",
    "timestamp[ms, tz=UTC]": "sc:DateTime",
}  # anything else is text
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        word: f"cr:{word}"
        for word in (
            *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
            *("fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
            *("key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace"),
            *("samplingRate", "separator", "source", "subField", "transform"),
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
# of every dataset, before and after its missing data
_COLLECTION = {
    "rai:dataCollectionType": ["Web Scraping", "Software Collection"],
    "rai:dataCollectionRawData": "The hubs' answers are stored verbatim, in json/metadata/ of each hub.",
}
_CONTENT = {
    "rai:dataPreprocessingProtocol": [
        "Each model's object was mapped to one record with the same fields for all hubs and checked by two JSON "
        "schemas; NUL and invalid Unicode were replaced."
    ],
    "rai:dataBiases": [
        "Models are those that people chose to publish on these hubs. If only a share was "
        "cloned, it was the most popular one. Tasks, licenses and datasets are what authors say, unchecked.",
        "Hubs count downloads in different ways, and cloning a repository raises its count.",
    ],
    "rai:dataLimitations": [
        "Metadata describes the time of the crawl. A model that was renamed or removed later is as it was then."
    ],
    "rai:dataUseCases": ["Research on the supply chain, reuse, licensing and evolution of pre-trained models."],
    "rai:personalSensitiveInformation": [
        "Names of accounts are in records; names of the authors of commits are in the SQLite export; both, and "
        "e-mail addresses of authors, are in the clones' git histories. Model cards may name people."
    ],
    "rai:dataReleaseMaintenancePlan": "Crawl again to bring the data up to date; snapshots keep earlier states.",
}

Node = dict[str, Any]


def write(output: Output, found: Sequence[Source], files: Sequence[str]) -> list[str]:
    """Describe files of the output, written but not yet renamed; return the name of the description."""
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        **_general(found),
        **_responsible(found),
        "prov:wasGeneratedBy": [_activity(source) for source in found if source.crawl],
        "prov:wasDerivedFrom": [{"@id": url} for url in _hub_urls(found)],
        "distribution": [_file(output.folder, name) for name in sorted(files)],
        "recordSet": [_record_set(name) for name in sorted(files) if name in COLUMNS],
    }
    output.new(FILE).write_bytes(orjson.dumps(described, option=orjson.OPT_INDENT_2) + b"\n")
    return [FILE]


def _general(found: Sequence[Source]) -> Node:
    hubs = ", ".join(source.hub.name for source in found)
    last = max((source.crawl.ended or source.crawl.started for source in found if source.crawl), default=None)
    day = last[:10] if last else datetime.now(UTC).date().isoformat()
    year = day[:4]
    return {
        "name": "PTMTorrent",
        "description": (
            f"Pre-trained models of the model hubs {hubs}: uniform records, the hubs' own metadata, and the results of "
            f"cloning the models' repositories. Collected by ptmtorrent_scrapy {__version__}."
        ),
        "license": "Each model has a license of its own (ModelLicense); the hubs' terms apply to their metadata.",
        "url": CONTACT_URL,
        "version": f"{day[:4]}.{int(day[5:7])}.{int(day[8:10])}",
        "datePublished": day,
        "creator": {"@type": "sc:Organization", "name": "The user of ptmtorrent_scrapy who made this dataset"},
        "keywords": ["pre-trained models", "model hubs", "mining software repositories", *(s.hub.name for s in found)],
        "isLiveDataset": False,
        "citeAs": (
            f"@misc{{ptmtorrent_{year}, title={{PTMTorrent: pre-trained models of {hubs}}}, year={{{year}}}, "
            f"note={{collected by ptmtorrent_scrapy {__version__} on {day}}}}}"
        ),
    }


def _responsible(found: Sequence[Source]) -> Node:
    """Return the known fields of https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html."""
    times = [time for s in found if s.crawl for time in (s.crawl.started, s.crawl.ended) if time]
    node = {
        "rai:dataCollection": (
            "The public listings of the model hubs were read page by page through their own interfaces, within their "
            "rate limits; repositories were cloned with git and git-lfs. "
            + " ".join(f"{source.hub.name}: {source.description()}." for source in found)
        ),
        **_COLLECTION,
        "rai:dataCollectionMissingData": _missing_data(found),
        **_CONTENT,
    }
    return {**node, "rai:dataCollectionTimeFrame": [min(times), max(times)]} if times else node


def _missing_data(found: Sequence[Source]) -> str:
    """Return sentences about the missing data."""
    missing = [f"{source.hub.name} has no {', '.join(files)}" for source in found if (files := source.hub.missing())]
    rejected = [f"{counted(count, 'model')} of {source.hub.name}" for source in found if (count := _rejected(source))]
    faults = [f"{source.hub.name}: {line}" for source in found for line in source.hub.faults.lines()]
    sentences = [
        "A field that a hub does not provide is absent. Private models are not included, and gated or missing "
        "repositories could not be cloned: see `status` in repositories.parquet.",
        f"Without a valid record, and so not included: {', '.join(rejected)}." if rejected else "",
        f"Not collected: {'; '.join(missing)}." if missing else "",
        f"Unreadable: {'; '.join(faults)}." if faults else "",
    ]
    return " ".join(sentences).strip()


def _rejected(source: Source) -> int:
    return sum(1 for _ in source.pair.rejected())


def _activity(source: Source) -> Node:
    assert source.crawl is not None
    node = {
        "@type": "prov:Activity",
        "prov:label": f"crawl of {source.hub.name}",
        "prov:startedAtTime": source.crawl.started,
        "prov:wasAssociatedWith": {
            "@type": "prov:SoftwareAgent",
            "prov:label": f"ptmtorrent_scrapy {source.crawl.version}",
        },
    }
    return {**node, "prov:endedAtTime": source.crawl.ended} if source.crawl.ended else node


def _hub_urls(found: Sequence[Source]) -> Iterator[str]:
    """Yield the URL of each hub from its first record."""
    for source in found:
        for record, _ in source.pair.records(with_objects=False):
            hub = record.get("ModelHub")
            if isinstance(hub, Mapping) and isinstance(hub.get("ModelHubURL"), str):
                yield hub["ModelHubURL"]
            break


def _file(folder: Path, name: str) -> Node:
    path = beside(folder / name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _FORMATS[Path(name).suffix],
        "sha256": digest,
    }


def _record_set(name: str) -> Node:
    identifier = name.removesuffix(".parquet")
    fields = [_field(name, column, kind) for column, kind in COLUMNS[name].items() if _is_flat(kind)]
    node = {
        "@type": "cr:RecordSet",
        "@id": identifier,
        "name": identifier,
        "field": fields,
    }
    keys = [{"@id": f"{identifier}/{column}"} for column in KEYS.get(name, ())]
    return {**node, "key": keys} if keys else node


def _is_flat(kind: Column) -> bool:
    """Return whether a column is a value or a list of values; structures are only in the Parquet files."""
    return not pa.types.is_nested((kind.item or kind).type)


def _field(name: str, column: str, kind: Column) -> Node:
    identifier = f"{name.removesuffix('.parquet')}/{column}"
    node: Node = {
        "@type": "cr:Field",
        "@id": identifier,
        "name": identifier,
        "dataType": _TYPES.get(str((kind.item or kind).type), "sc:Text"),
        "source": {"fileObject": {"@id": name}, "extract": {"column": column}},
    }
    if kind.item:
        node |= {"isArray": True, "arrayShape": "-1"}
    if target := REFERENCES.get((name, column)):
        node["references"] = {"field": {"@id": target}}
    return node
