"""Metadata to cite and register a package: CITATION.cff, DataCite 4.5 and Zenodo's deposition metadata.

Formats: https://github.com/citation-file-format, https://schema.datacite.org/meta/kernel-4.5/,
https://developers.zenodo.org/#representation
"""

from typing import Any

import orjson

from ptmtorrent_scrapy.publication.description import Description
from ptmtorrent_scrapy.publication.options import UNKNOWN, Creator

_PAPER = "10.1109/MSR59073.2023.00021"  # PTMTorrent: A Dataset for Mining Open-source Pre-trained Model Packages
_AUTHORS = (
    "Wenxin Jiang",
    "Nicholas Synovic",
    "Purvish Jajal",
    "Taylor R. Schorlemmer",
    "Arav Tewari",
    "Bhavesh Pareek",
    "George K. Thiruvathukal",
    "James C. Davis",
)
_NOT_OPEN = "other-closed"  # Zenodo's name; a dataset without a licence would get its default, CC0
_KEYWORDS = ["pre-trained models", "model hubs", "mining software repositories", "machine learning"]


def citation(description: Description) -> bytes:
    """Return the text of CITATION.cff (version 1.2.0)."""
    import yaml  # no other command needs it

    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it and the paper that describes PTMTorrent.",
        "type": "dataset",
        "title": description.options.title,
        "abstract": description.text,
        "authors": [_cff_author(creator) for creator in _creators(description)],
        "date-released": description.ended,
        "version": description.ended,
        "keywords": _KEYWORDS,
        "references": [_paper()],
    }
    if description.options.license:
        document["license"] = description.options.license
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100).encode()


def datacite(description: Description) -> bytes:
    """Return DataCite 4.5 metadata as JSON, without the DOI, which the archive assigns."""
    document = {
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Pre-trained models and their metadata"},
        "creators": [_datacite_creator(creator) for creator in _creators(description)],
        "titles": [{"title": description.options.title}],
        "publisher": {"name": description.options.publisher},
        "publicationYear": description.ended[:4],
        "subjects": [{"subject": keyword} for keyword in _KEYWORDS],
        "dates": [{"date": f"{description.started}/{description.ended}", "dateType": "Collected"}],
        "language": "en",
        "relatedIdentifiers": _related(description),
        "sizes": [f"{description.totals.size} bytes", f"{description.totals.files} files"],
        "formats": ["application/json", "application/jsonl", "text/html"],
        "version": description.ended,
        "rightsList": _rights(description),
        "descriptions": [{"description": description.text, "descriptionType": "Abstract"}],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def zenodo(description: Description) -> bytes:
    """Return the metadata of a deposition on Zenodo."""
    document = {
        "upload_type": "dataset",
        "title": description.options.title,
        "description": description.text,
        "creators": [_zenodo_creator(creator) for creator in _creators(description)],
        "publication_date": description.ended,
        "version": description.ended,
        "language": "eng",
        "keywords": _KEYWORDS,
        "access_right": "open",
        "dates": [{"start": description.started, "end": description.ended, "type": "Collected"}],
        "related_identifiers": [{"identifier": _PAPER, "relation": "isDocumentedBy", "scheme": "doi"}],
        "notes": "Each repository has the licence of its owner: see licenses.csv.",
        "license": (description.options.license or _NOT_OPEN).lower(),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _creators(description: Description) -> tuple[Creator, ...]:
    return description.options.creators or (Creator(name=UNKNOWN),)


def _cff_author(creator: Creator) -> dict[str, str]:
    orcid = {"orcid": f"https://orcid.org/{creator.orcid}"} if creator.orcid else {}
    if creator.family and creator.given:
        return {"family-names": creator.family, "given-names": creator.given, **orcid}
    return {"name": creator.name, **orcid}


def _datacite_creator(creator: Creator) -> dict[str, Any]:
    kind = "Personal" if creator.family else "Organizational"
    node: dict[str, Any] = {"name": creator.name, "nameType": kind}
    if creator.family and creator.given:
        node |= {"givenName": creator.given, "familyName": creator.family}
    if creator.orcid:
        scheme = {"nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
        node["nameIdentifiers"] = [{"nameIdentifier": f"https://orcid.org/{creator.orcid}", **scheme}]
    return node


def _zenodo_creator(creator: Creator) -> dict[str, str]:
    return {"name": creator.name, **({"orcid": creator.orcid} if creator.orcid else {})}


def _related(description: Description) -> list[dict[str, str]]:
    hubs = [
        {"relatedIdentifier": hub.url, "relatedIdentifierType": "URL", "relationType": "IsDerivedFrom"}
        for hub in {hub.url: hub for hub in description.hubs if hub.url}.values()
    ]
    paper = {"relatedIdentifier": _PAPER, "relatedIdentifierType": "DOI", "relationType": "IsDocumentedBy"}
    return [paper, *hubs]


def _rights(description: Description) -> list[dict[str, str]]:
    rights = [{"rights": "Each repository has the licence of its owner, see licenses.csv"}]
    if name := description.options.license:
        scheme = {"rightsIdentifierScheme": "SPDX", "schemeUri": "https://spdx.org/licenses/"}
        uri = f"https://spdx.org/licenses/{name}.html"
        rights.append({"rights": f"Compilation: {name}", "rightsIdentifier": name, "rightsUri": uri, **scheme})
    return rights


def _paper() -> dict[str, Any]:
    authors = [dict(zip(("given-names", "family-names"), name.rsplit(" ", 1), strict=True)) for name in _AUTHORS]
    return {
        "type": "conference-paper",
        "title": "PTMTorrent: A Dataset for Mining Open-source Pre-trained Model Packages",
        "authors": authors,
        "year": 2023,
        "doi": _PAPER,
    }
