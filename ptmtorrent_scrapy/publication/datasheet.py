"""`DATASHEET.md` (Gebru et al., Datasheets for Datasets, doi:10.1145/3458723) and `README.md` of a package.

The datasheet answers what is known from the tree, and asks its publisher for the rest.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.publication.bag import FETCH
from ptmtorrent_scrapy.publication.description import Description, HubDescription

_ASK = "*To be written by the publisher.*"
_MOST_LICENSES = 20  # in the datasheet
_REASONS = {
    "gated": "access is restricted by the owner",
    "private": "private repository",
    "license": "licence not on the publisher's list",
}


def datasheet(description: Description) -> bytes:
    """Return the text of DATASHEET.md."""
    sections: list[tuple[str, Iterable[str]]] = [
        ("Motivation", _motivation()),
        ("Composition", _composition(description)),
        ("Collection process", _collection(description)),
        ("Preprocessing, cleaning, labelling", _preprocessing()),
        ("Uses", _uses()),
        ("Distribution", _distribution(description)),
        ("Maintenance", [_ASK]),
    ]
    lines = [f"# Datasheet: {_plain(description.options.title)}", "", description.text]
    for title, text in sections:
        lines += ["", f"## {title}", "", *text]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def readme(description: Description) -> bytes:
    """Return the text of README.md, for readers of the package."""
    lines = [f"# {_plain(description.options.title)}", "", description.text, "", *_contents(description), ""]
    lines += ["Check the package:", "", "    sha256sum --check --quiet manifest-sha256.txt", ""]
    if description.options.volume_size:
        lines += ["Unpack the repositories, in this order, in this folder:", ""]
        lines += ["    for volume in data/volumes/*.tar.zst; do tar --zstd -xf $volume; done", ""]
        lines += ["Take out one repository: `scrapy package --extract OWNER/NAME FOLDER -o PACKAGE`", ""]
    else:
        lines += ["Put the large files of one clone into its working tree, in its folder:", ""]
        lines += ["    git -c lfs.storage=../../../../lfs lfs checkout", ""]
    if description.totals.fetched_files:
        size = human(description.totals.fetched_bytes)
        lines += [f"Download {counted(description.totals.fetched_files, 'large file')} ({size}) of `{FETCH}`:", ""]
        lines += ["    scrapy package --complete PACKAGE", ""]
    lines += ["Make a data tree from it, with all large files in place:", "", "    scrapy import PACKAGE"]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _contents(description: Description) -> Iterator[str]:
    yield "| Path | Content |"
    yield "| --- | --- |"
    for hub in description.hubs:
        yield f"| `data/{hub.name}/json/` | records, metadata and results of the clones of {_plain(hub.title)} |"
    if description.options.volume_size:
        yield "| `data/volumes/` | repositories with their large files, and `index.jsonl` |"
    else:
        yield "| `data/HUB/repos/OWNER/NAME/` | clones with history; large files are pointers |"
        yield "| `data/HUB/lfs/objects/` | large files, each once, named after their SHA-256 |"
    yield "| `data/ro-crate-metadata.json` | RO-Crate: the crawls, their versions and results |"
    yield "| `licenses.csv` | licence of each repository |"
    yield "| `DATASHEET.md`, `CITATION.cff`, `datacite.json`, `.zenodo.json` | for publishing and citing |"


def _motivation() -> Iterator[str]:
    yield "The dataset is for research that mines hubs of pre-trained models, in the format of PTMTorrent"
    yield "(doi:10.1109/MSR59073.2023.00021)."
    yield f"For which question was it made, by whom, with which funding? {_ASK}"


def _composition(description: Description) -> Iterator[str]:
    yield "An instance is a model: its record, the hub's own object or page, and its git repository with history. A"
    yield "record names base models, datasets and papers of the model where the hub does. Datasets and spaces have"
    yield "objects and repositories, but no records. There are no labels and no recommended splits."
    yield ""
    yield "| Hub | Listed | Records | Rejected | Clones in the package |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for hub in description.hubs:
        counts, rejected = hub.counts, hub.counts.get("rejected")
        models, records = (_number(counts.get(name)) for name in ("models", "records"))
        total = sum(rejected.values()) if isinstance(rejected, dict) else 0
        yield f"| {_plain(hub.title)} | {models} | {records} | {total:,} | {hub.clones:,} |"
    yield ""
    yield from _missing(description)
    yield ""
    yield "Personal data: the histories of the clones hold names and e-mail addresses of commit authors, as published"
    yield "on the hubs; model cards may hold more."
    yield ""
    yield "Repositories are stored as they were found. They can hold offensive or harmful content and malicious files,"
    yield "such as pickles that run code when they are loaded."


def _missing(description: Description) -> Iterator[str]:
    """Yield lines about missing data and the reasons."""
    totals = description.totals
    for hub in description.hubs:
        yield from _excluded(hub)
        statuses = hub.counts.get("repositories")
        if isinstance(statuses, dict) and statuses:
            listed = ", ".join(f"{_number(count)} {_plain(status)}" for status, count in sorted(statuses.items()))
            yield f"- {_plain(hub.title)}: repositories by result of their last clone: {listed}."
    if totals.fetched_files:
        yield f"- Listed in `{FETCH}`: {counted(totals.fetched_files, 'large file')} ({human(totals.fetched_bytes)})."
    if totals.unnamed:
        unnamed = counted(totals.unnamed, "file", "files")
        yield f"- In git's objects only, since a manifest cannot contain such a name: {unnamed}. `scrapy import` writes"
        yield "  them to the working trees."


def _excluded(hub: HubDescription) -> Iterator[str]:
    for reason, count in hub.excluded.items():
        why = _REASONS.get(reason, reason)
        out = counted(count, "cloned repository is", "cloned repositories are")
        yield f"- {_plain(hub.title)}: {out} not in the package: {why}."


def _collection(description: Description) -> Iterator[str]:
    yield f"Collected with PTMTorrent for Scrapy {description.version} from the public interfaces of the hubs."
    yield "Hubs counted the downloads before the clones; cloning raises them. Metadata covers everything that a"
    yield "hub lists; the arguments of a crawl select the repositories to clone (none: the hub's default)."
    yield ""
    yield "| Hub | Started (UTC) | Ended (UTC) | Version | Arguments | Result |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for hub in description.hubs:
        for line in hub.crawls:
            given = line.get("arguments")
            arguments = " ".join(f"{name}={value}" for name, value in given.items()) if isinstance(given, dict) else ""
            times = (_minute(line.get(name)) for name in ("started", "ended"))
            cells = [hub.title, *times, line.get("version"), arguments, line.get("reason")]
            yield f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _preprocessing() -> Iterator[str]:
    yield "Pages and answers of the hubs are stored verbatim. Records are built from them and validated; models"
    yield "without a valid record are in `rejected.jsonl` with the reason. Nothing was cleaned or labelled."


def _uses() -> Iterator[str]:
    yield f"Used so far: {_ASK}"
    yield "Licence and intended use of each model bind its users."


def _distribution(description: Description) -> Iterator[str]:
    yield "Each repository has the licence of its owner, see `licenses.csv`. A repository without a licence gives"
    yield "nobody the right to redistribute it: exclude such repositories with `--only-licenses`."
    yield ""
    yield "| Licence | Repositories |"
    yield "| --- | ---: |"
    for name, count in description.licenses[:_MOST_LICENSES]:
        yield f"| {_plain(name)} | {count:,} |"
    if others := description.licenses[_MOST_LICENSES:]:
        yield f"| {counted(len(others), 'other')} | {sum(count for _, count in others):,} |"
    yield ""
    yield f"Licence of the compilation: {_plain(description.options.license or _ASK)}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"


def _minute(time: object) -> str:
    """Return a time of crawls.jsonl, which is in UTC, to the minute.

    >>> _minute("2026-01-02T03:04:05.678+00:00")
    '2026-01-02 03:04'
    """
    return time[:16].replace("T", " ") if isinstance(time, str) else ""


def _plain(value: object) -> str:
    """Return a hub's or user's text for a Markdown table: without markup and line ends."""
    text = "" if value is None else " ".join(str(value).split())
    if text == _ASK:
        return text
    escaped = "".join(f"\\{each}" if each in "\\`*_{}[]<>|#!" else each for each in text)
    return "".join(each if each.isprintable() else "\ufffd" for each in escaped)
