"""Descriptions of a package for people and archives."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ptmtorrent_scrapy.publication import citation, crate, datasheet
from ptmtorrent_scrapy.publication.description import Description, HubDescription
from ptmtorrent_scrapy.publication.options import Creator, PackageOptions
from ptmtorrent_scrapy.publication.payload import Totals
from tests.trees import crawl_line

CREATORS = (Creator.parse("Doe, Jane (https://orcid.org/0000-0002-1825-0097)"), Creator.parse("The Mining Group"))


def description(**options: Any) -> Description:
    crawls = [
        crawl_line(arguments={"ids": "a|b\n# not a heading"}),
        crawl_line(started="2026-02-01T00:00:00+00:00", ended="2026-02-02T00:00:00+00:00"),
    ]
    hub = HubDescription(name="hub", title="A hub", url="https://hub.example", crawls=crawls, clones=3)
    hub.excluded = {"gated": 2}
    asked = PackageOptions(output=Path("package"), **options)
    return Description(options=asked, version="1.2.3", hubs=[hub], totals=Totals(), licenses=[("<script>|x", 2)])


def test_a_citation() -> None:
    cited = yaml.safe_load(citation.citation(description(creators=CREATORS, license="CC-BY-4.0")))
    assert (cited["cff-version"], cited["type"], cited["license"]) == ("1.2.0", "dataset", "CC-BY-4.0")
    assert cited["authors"] == [
        {"family-names": "Doe", "given-names": "Jane", "orcid": "https://orcid.org/0000-0002-1825-0097"},
        {"name": "The Mining Group"},
    ]
    assert cited["date-released"] == "2026-02-02"
    assert len(cited["references"][0]["authors"]) == 8


def test_datacite() -> None:
    told = json.loads(citation.datacite(description(creators=CREATORS, publisher="An archive")))
    assert told.keys() >= {"types", "creators", "titles", "publisher", "publicationYear", "schemaVersion"}
    assert told["dates"] == [{"date": "2026-01-01/2026-02-02", "dateType": "Collected"}]
    assert [creator["nameType"] for creator in told["creators"]] == ["Personal", "Organizational"]
    assert (told["publisher"]["name"], told["publicationYear"]) == ("An archive", "2026")
    assert {"https://hub.example", "10.1109/MSR59073.2023.00021"} <= {
        each["relatedIdentifier"] for each in told["relatedIdentifiers"]
    }


def test_zenodo() -> None:
    told = json.loads(citation.zenodo(description(creators=CREATORS, license="CC-BY-4.0")))
    assert (told["upload_type"], told["access_right"], told["license"]) == ("dataset", "open", "cc-by-4.0")
    assert told["creators"] == [{"name": "Doe, Jane", "orcid": "0000-0002-1825-0097"}, {"name": "The Mining Group"}]


def test_without_a_licence_no_archive_assumes_one() -> None:
    assert json.loads(citation.zenodo(description()))["license"] == "other-closed"
    assert "license" not in yaml.safe_load(citation.citation(description()))


def test_hubs_of_one_address_are_one_source() -> None:
    told = description()
    told.hubs.append(HubDescription(name="hub_datasets", title="Its datasets", url="https://hub.example"))
    addresses = [each["relatedIdentifier"] for each in json.loads(citation.datacite(told))["relatedIdentifiers"]]
    assert addresses.count("https://hub.example") == 1
    assert "from A hub and Its datasets between 2026-01-01 and 2026-02-02 with" in told.text


def test_a_datasheet_answers_what_is_known() -> None:
    text = datasheet.datasheet(description()).decode()
    titles = re.findall("^## (.*)$", text, re.MULTILINE)
    assert titles == [
        *("Motivation", "Composition", "Collection process", "Preprocessing, cleaning, labelling"),
        *("Uses", "Distribution", "Maintenance"),
    ]
    assert "- A hub: 2 cloned repositories are not in the package: access is restricted by the owner." in text
    assert r"ids=a\|b \# not a heading" in text
    assert r"| \<script\>\|x | 2 |" in text


def test_the_crate_says_which_crawl_made_what(tmp_path: Path) -> None:
    (tmp_path / "hub" / "json" / "metadata").mkdir(parents=True)
    (tmp_path / "hub" / "json" / "hub.json").write_bytes(b"[]")
    (tmp_path / "hub" / "json" / "metadata" / "objects.json").write_bytes(b"[]")
    graph = json.loads(crate.crate(description(creators=CREATORS), tmp_path))["@graph"]
    nodes = {node["@id"]: node for node in graph}
    assert len(nodes) == len(graph)
    crawls = [node for node in graph if node["@type"] == "CreateAction"]
    assert [node["startTime"] for node in crawls] == ["2026-01-01T00:00:00.000+00:00", "2026-02-01T00:00:00+00:00"]
    assert all(nodes[node["instrument"]["@id"]]["version"] == "1.2.3" for node in crawls)
    assert nodes["./"]["datePublished"] == "2026-02-02"
    assert nodes["https://orcid.org/0000-0002-1825-0097"]["familyName"] == "Doe"
    assert "objects.json" in nodes["hub/json/metadata/"]["description"]
    used = re.findall(r'"@id": ?"([^"]+)"', json.dumps(graph))
    assert {each for each in used if not each.startswith("http")} <= nodes.keys()


@pytest.mark.parametrize("name", ["Jane Doe", "Doe,", ", Jane", "Doe (0000-0002-1825)"])
def test_a_creator_who_is_no_person_with_two_names(name: str) -> None:
    creator = Creator.parse(name)
    assert (creator.family, creator.given, creator.orcid) == (None, None, None)
