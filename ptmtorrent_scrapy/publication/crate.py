"""The RO-Crate 1.1 of a package (https://www.researchobject.org/ro-crate/specification/1.1/), in the bag's `data/`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from ptmtorrent_scrapy import CONTACT_URL
from ptmtorrent_scrapy.publication.description import Description, HubDescription
from ptmtorrent_scrapy.publication.options import UNKNOWN, Creator

NAME = "ro-crate-metadata.json"
_SOFTWARE = {"@id": "#ptmtorrent-scrapy"}
_LICENSES = {"@id": "#licenses"}
_FOLDERS = {
    "html": "Raw or rendered pages of the hub",
    "json": "Records, metadata of the hub, results of the clones",
    "json/metadata": "Objects of the hub, as it answered",
    "repos": "Clones, with history; large files are pointers to lfs/",
    "lfs": "Large files of the clones, each once, named after their SHA-256",
    "snapshots": "What earlier crawls collected",
}
_FILES = {
    "repositories.jsonl": "Result of the clone of each repository, one JSON object per line",
    "rejected.jsonl": "Models without a valid record and the reason, one JSON object per line",
    "files.jsonl": "Files at the HEAD of each clone, one JSON object per line",
    "crawls.jsonl": "Crawls, one JSON object per line",
}
_FORMATS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".sqlite": "application/vnd.sqlite3",
    ".parquet": "application/vnd.apache.parquet",
    ".html": "text/html",
    ".zst": "application/zstd",
    ".sha256": "text/plain",
}
_PUBLISHER = "#publisher"
_SPDX = "https://spdx.org/licenses/"
Node = dict[str, Any]


def crate(description: Description, data: Path) -> bytes:
    """Return the text of ro-crate-metadata.json; `data` is the folder of the payload written so far."""
    hubs = [node for hub in description.hubs for node in _hub(hub, data)]
    others = [*_folder("exports", "Exports of the tree", data), *_folder("report", "Report about the tree", data)]
    others += _folder("volumes", "Archives of the repositories, their lists of SHA-256 and their index", data)
    actions = [node for hub in description.hubs for node in _crawls(hub)]
    parts = [{"@id": node["@id"]} for node in (*hubs, *others) if node["@id"].count("/") == 1]
    graph = [_descriptor(), _root(description, parts, actions), *hubs, *others, *actions]
    publisher = {"@id": _PUBLISHER, "@type": "Organization", "name": description.options.publisher}
    graph += [*_people(description), publisher, _license(description), _software(description)]
    document = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _descriptor() -> Node:
    return {
        "@id": NAME,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }


def _root(description: Description, parts: list[Node], actions: list[Node]) -> Node:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": description.options.title,
        "description": description.text,
        "datePublished": description.ended,
        "license": _LICENSES,
        "author": _single([{"@id": node["@id"]} for node in _people(description)]),
        "publisher": {"@id": _PUBLISHER},
        "keywords": "pre-trained models, model hubs, mining software repositories",
        "hasPart": _single(parts),
        "mentions": _single([{"@id": node["@id"]} for node in actions]),
    }


def _hub(hub: HubDescription, data: Path) -> Iterator[Node]:
    folder = data / hub.name
    nodes = [node for name, text in _FOLDERS.items() for node in _folder(f"{hub.name}/{name}", text, data)]
    for node in nodes:
        node["name"] = f"{hub.title}: {node['name']}"
    direct = [{"@id": node["@id"]} for node in nodes if node["@type"] == "Dataset" and node["@id"].count("/") == 2]
    if folder.is_dir():
        text = f"Models of {hub.title}"
        yield {
            "@id": f"{hub.name}/",
            "@type": "Dataset",
            "name": hub.title,
            "description": text,
            "hasPart": _single(direct),
        }
        yield from nodes


def _folder(path: str, text: str, data: Path) -> Iterator[Node]:
    """Yield a folder and its described files."""
    folder = data / path
    if not folder.is_dir():
        return
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if path.endswith("/metadata"):  # named in words: rocrate-validator 0.13 finds no file of a bag below "...data/"
        text += f": {', '.join(file.name for file in files)}"
    is_described = path.rpartition("/")[2] in ("json", "exports", "report", "volumes")
    nodes = [_file(f"{path}/{file.name}", file) for file in files] if is_described else []
    parts = [{"@id": node["@id"]} for node in nodes]
    if path.endswith("/json") and (folder / "metadata").is_dir():
        parts.insert(0, {"@id": f"{path}/metadata/"})
    node: Node = {"@id": f"{path}/", "@type": "Dataset", "name": text, "description": text}
    yield {**node, "hasPart": _single(parts)} if parts else node
    yield from nodes


def _file(path: str, file: Path) -> Node:
    hub = path.partition("/")[0]
    text = _FILES.get(file.name, "PTMTorrent records, one JSON array" if file.name == f"{hub}.json" else file.name)
    node = {"@id": path, "@type": "File", "name": file.name, "description": text}
    node["contentSize"] = str(file.stat().st_size)
    return {**node, "encodingFormat": _FORMATS.get(file.suffix, "application/octet-stream")}


def _crawls(hub: HubDescription) -> Iterator[Node]:
    """Yield the crawls, with their versions and results."""
    for number, line in enumerate(hub.crawls, 1):
        reason = line.get("reason")
        node = {
            "@id": f"#crawl-{hub.name}-{number}",
            "@type": "CreateAction",
            "name": f"Crawl of {hub.title}",
            "description": f"scrapy crawl {hub.name}, version {line.get('version')}, ended: {reason}",
            "instrument": _SOFTWARE,
            "startTime": line.get("started"),
            "endTime": line.get("ended"),
            "actionStatus": {
                "@id": f"http://schema.org/{'Completed' if reason == 'finished' else 'Failed'}ActionStatus"
            },
            "result": {"@id": f"{hub.name}/"},
        }
        yield {name: value for name, value in node.items() if value is not None}


def _people(description: Description) -> list[Node]:
    return [_person(number, creator) for number, creator in enumerate(_creators(description), 1)]


def _creators(description: Description) -> tuple[Creator, ...]:
    return description.options.creators or (Creator(name=UNKNOWN),)


def _person(number: int, creator: Creator) -> Node:
    identifier = f"https://orcid.org/{creator.orcid}" if creator.orcid else f"#creator-{number}"
    if not creator.family:
        return {"@id": identifier, "@type": "Organization", "name": creator.name}
    names = {"familyName": creator.family, "givenName": creator.given}
    return {"@id": identifier, "@type": "Person", "name": f"{creator.given} {creator.family}", **names}


def _single(nodes: list[Node]) -> Node | list[Node]:
    """Return a value in the form that RO-Crate 1.1 recommends: a single value without an array."""
    return nodes[0] if len(nodes) == 1 else nodes


def _license(description: Description) -> Node:
    text = "Each repository has the licence of its owner: see licenses.csv in the folder above this one."
    if description.options.license:
        text += f" The compilation itself: {_SPDX}{description.options.license}"
    return {"@id": _LICENSES["@id"], "@type": "CreativeWork", "name": "Licences of the models", "description": text}


def _software(description: Description) -> Node:
    return {
        **_SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "PTMTorrent for Scrapy",
        "version": description.version,
        "softwareVersion": description.version,
        "url": CONTACT_URL,
    }
