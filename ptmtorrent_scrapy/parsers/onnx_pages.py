"""Pages and files of the ONNX Model Zoo's repository, with PTMTorrent's keys."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from ptmtorrent_scrapy.formats import safe_yaml
from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.markdown import Cell, Table, links, render, tables

NOTHING = "N/A"  # PTMTorrent's value for a missing cell
_SAMPLE = "download (with sample test data)"
# PTMTorrent's key of a cell, and the names of its columns, without "(%)"
_COLUMNS = {
    "ONNXVersion": ("onnx version",),
    "OpsetVersion": ("opset version", "opset"),
    "Top-1% Accuracy": ("top-1 accuracy",),
    "Top-5% Accuracy": ("top-5 accuracy",),
    "Accuracy": ("accuracy",),
    "mAP": ("map",),
    "mIOU": ("miou",),
    "Mean IoU": ("mean iou",),
    "LFW * accuracy (%)": ("lfw * accuracy",),
    "CFP-FF * accuracy (%)": ("cfp-ff * accuracy",),
    "CFP-FP * accuracy (%)": ("cfp-fp * accuracy",),
    "AgeDB-30 * accuracy (%)": ("agedb-30 * accuracy",),
    "Dataset": ("dataset",),
    "Top-1 Error (%)": ("top-1 error",),
}
# URLs of the file at PATH on GitHub: https://github.com/OWNER/NAME/blob/BRANCH/PATH and similar ones
_ON_GITHUB = re.compile(
    r"(?:(?:www\.)?github\.com/(?P<at>[^/]+/[^/]+)/(?:blob|raw|tree)|raw\.githubusercontent\.com/(?P<raw>[^/]+/[^/]+)"
    r"|media\.githubusercontent\.com/media/(?P<media>[^/]+/[^/]+))/(?:refs/heads/)?[^/]+/(?P<path>.+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class ModelClass:
    """A row of the hub's README: models that share a paper and, if they are in the repository, a folder."""

    folder: str | None
    task: str | None  # the anchor of its section of the README, else the section's title in the same form
    described: dict[str, str]  # by PTMTorrent's keys


def hub_page(markdown: str, repository: str, pages: Mapping[str, str]) -> tuple[str, list[ModelClass]]:
    """Return (HTML, model classes) of the hub's README."""
    html = render(markdown)
    return html, list(model_classes(html, repository, pages))


def folder_page(markdown: str, folder: str, repository: str) -> tuple[str, list[dict[str, str]], list[str]]:
    """Return (HTML, rows of its models, DOIs of its papers) of the page of a folder."""
    html = render(markdown)
    return html, list(model_rows(html, folder, repository)), arxiv_papers(html)


def model_classes(readme: str, repository: str, pages: Mapping[str, str]) -> Iterator[ModelClass]:
    """Yield the model classes of the hub's README, which is HTML; `pages` has the HTML files of the other READMEs."""
    for table in tables(readme):
        if not table.columns or table.columns[0].casefold() != "model class":
            continue
        for row in table.rows:
            cells = _cells(table, row)
            name, reference = row[0], cells.get("reference")
            space = next((cell for column, cell in cells.items() if "spaces" in column), None)
            link = next(iter(name.links), None)
            folder = in_repository(link, "", repository) if link else None
            described = {
                "ModelClass": name.text or NOTHING,
                "ModelREADMEPath": pages.get(folder or "", NOTHING),
                "RepoREADMEPath": folder or NOTHING,
                "Paper": _first_link(reference),
                "Description": _cell_text(cells.get("description")),
                "HFSpaceURL": _first_link(space),
                "Category": table.anchor or table.section or NOTHING,
            }
            yield ModelClass(folder=folder, task=table.anchor or _as_anchor(table.section), described=described)


def model_rows(page: str, folder: str, repository: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a model page's tables that link an `.onnx` file, by PTMTorrent's keys."""
    for table in tables(page):
        for row in table.rows:
            cells = _cells(table, row)
            candidates = [cell for name, cell in cells.items() if name == "download"] + row
            download, link = next(((c, link) for c in candidates for link in c.links if is_onnx(link)), (None, None))
            if link is None:
                continue
            sample = cells.get(_SAMPLE)
            yield {
                "Model": _cell_text(cells.get("model") or row[0]),
                "ModelSize": _cell_text(download),
                "ModelPath": in_repository(link, folder, repository) or link,
                **{key: _cell_text(_one_of(cells, columns)) for key, columns in _COLUMNS.items()},
                "ModelSampleSize": _cell_text(sample),
                "ModelSamplePath": _path(sample, folder, repository),
            }


def is_onnx(link: str) -> bool:
    """Return whether a link leads to an `.onnx` file.

    >>> is_onnx("model/a.onnx?raw=true"), is_onnx("model/a.tar.gz")
    (True, False)
    """
    return unquote(re.split(r"[?#]", link, maxsplit=1)[0]).rstrip("/").lower().endswith(".onnx")


def in_repository(link: str, folder: str, repository: str) -> str | None:
    """Return the path in the repository OWNER/NAME of a link on a page in `folder`; None for other links.

    >>> in_repository("../b/c.onnx", "a", "onnx/models")
    'b/c.onnx'
    >>> in_repository("https://github.com/onnx/models/raw/main/b/c.onnx?raw=true#x", "a", "onnx/models")
    'b/c.onnx'
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.netloc:
        match = _ON_GITHUB.fullmatch(f"{parts.netloc}{path}")
        if match is None or repository.lower() not in (str(match[name]).lower() for name in ("at", "raw", "media")):
            return None
        path = f"/{match['path']}"
    elif parts.scheme or not path:
        return None
    found = posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")
    return found or None


def arxiv_papers(page: str) -> list[str]:
    """Return the DOIs of the papers on arXiv that a page links."""
    return [doi for doi in dois("\n".join(links(page))) if doi.startswith("10.48550/arXiv.")]


def read_statistics(text: str, folder: str) -> dict[str, Any]:
    """Return the value of a `turnkey_stats.yaml` and the `path` of its folder; `problem` says why it cannot be read.

    https://github.com/onnx/turnkeyml
    """
    try:
        content = {"path": folder} | safe_yaml.load(text) | {"path": folder}
        plain: dict[str, Any] = orjson.loads(orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS))
    except safe_yaml.Broken as error:
        return {"path": folder, "problem": " ".join(str(error).split())}
    return plain


def page_files(folders: Iterable[str]) -> dict[str, str]:
    """Return a file name for each folder's page; folders with the same name also get the names of their parents.

    >>> page_files(["vision/resnet", "text/t5", "audio/t5"])["text/t5"]
    'html/metadata/models/README_text_t5.html'
    """
    named: dict[str, str] = {}
    left = sorted(folders)
    for parts in range(1, 1 + max((folder.count("/") for folder in left), default=0) + 1):
        names = {folder: "_".join(folder.split("/")[-parts:]) for folder in left}
        shared = Counter(names.values())
        taken = set(named.values())
        named |= {folder: name for folder, name in names.items() if shared[name] == 1 and name not in taken}
        left = [folder for folder in left if folder not in named]
    named |= {folder: f"{folder.replace('/', '_')}_{number}" for number, folder in enumerate(left, 2)}
    return {folder: f"html/metadata/models/README_{name}.html" for folder, name in sorted(named.items())}


def _as_anchor(title: str | None) -> str | None:
    """Return a title in the form of the README's anchors.

    >>> _as_anchor("Body, Face & Gesture Analysis")
    'body_face_gesture_analysis'
    """
    return "_".join(re.findall(r"\w+", (title or "").lower())) or None


def _cells(table: Table, row: list[Cell]) -> dict[str, Cell]:
    """Return the cells of a row by the names of their columns, in lower case and without "(%)"."""
    names = (column.casefold().replace("(%)", "").strip() for column in table.columns)
    return dict(zip(names, row, strict=False))


def _one_of(cells: Mapping[str, Cell], columns: Iterable[str]) -> Cell | None:
    return next((cells[column] for column in columns if column in cells), None)


def _cell_text(cell: Cell | None) -> str:
    return cell.text if cell and cell.text else NOTHING


def _first_link(cell: Cell | None) -> str:
    return cell.links[0] if cell and cell.links else NOTHING


def _path(cell: Cell | None, folder: str, repository: str) -> str:
    link = _first_link(cell)
    return link if link == NOTHING else in_repository(link, folder, repository) or link
