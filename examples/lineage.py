"""Show which models are derived from which, and how licences change on the way.

    python examples/lineage.py data/huggingface
    python examples/lineage.py data/huggingface -o lineage

writes lineage.csv (one line per base model of a model), lineage.graphml (the same as a graph) and a picture of the
licences of base models and of derived models, lineage.svg and lineage.png. Pairs of licences that contradict
each other are marked. This is a hint, not legal advice; `conflict` below has the rules.
The complete example is in this file.
"""

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any
from xml.sax.saxutils import XMLGenerator

import orjson
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

NONE = "no licence given"
ABSENT = "base model not collected"
OTHERS = "others"
_GRAPHML = "http://graphml.graphdrawing.org/xmlns"
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "lineage", "font.size": 9}  # the same data give the same file
_CONFLICT, _PLAIN, _UNKNOWN = "#c0392b", "#5b8db8", "#b8b8b8"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Beginnings of licences: SPDX identifiers or Hugging Face's names, in lower case.
_PERMISSIVE = ("apache", "mit", "bsd", "isc", "cc0", "cc-by-1", "cc-by-2", "cc-by-3", "cc-by-4", "unlicense", "wtfpl")
_COPYLEFT = ("gpl", "agpl", "lgpl", "cc-by-sa", "osl", "epl", "mpl", "eupl", "odbl")
_USE_RESTRICTED = ("openrail", "creativeml", "bigscience", "bigcode", "bigmodel", "llama", "gemma", "deepfloyd")


@dataclass(frozen=True)
class Edge:
    """A model and one of its base models."""

    base: str
    model: str
    relation: str  # finetune, adapter, quantized or merge; empty if the hub does not say
    base_license: str
    model_license: str
    conflict: str  # why the licences contradict each other; empty if they do not


def conflict(base: str, model: str) -> str:
    """Return why a model's licence contradicts that of its base model; "" if no rule says so.

    >>> conflict("cc-by-nc-4.0", "mit")
    'the base model forbids commercial use'
    >>> conflict("mit", "cc-by-nc-4.0")
    ''
    """
    base, model = base.lower(), model.lower()
    if model in (NONE, "other", "unknown", base):
        return ""
    if "-nd" in base:
        return "the base model forbids derived works"
    if "-nc" in base and "-nc" not in model and model.startswith(_PERMISSIVE + _COPYLEFT):
        return "the base model forbids commercial use"
    if base.startswith(_COPYLEFT) and model.startswith(_PERMISSIVE):
        return "the base model asks for the same licence"
    if base.startswith(_USE_RESTRICTED) and model.startswith(_PERMISSIVE + _COPYLEFT):
        return "the base model's restrictions of use are dropped"
    return ""


def edges(records: Path) -> Iterator[Edge]:
    """Yield the edges of a hub, in the order of its records."""
    licenses = {record["ModelName"]: _license(record) for record in each_record(records)}
    for record in each_record(records):
        for base in record.get("ModelBaseModels", ()):
            relation = record.get("ModelBaseModelRelation", "")
            yield _edge(base, record["ModelName"], relation, licenses.get(base, ABSENT), licenses[record["ModelName"]])


def _edge(base: str, model: str, relation: str, base_license: str, model_license: str) -> Edge:
    """Return an edge. Several licences may mean "and" or "or", so it is a conflict only if every pair conflicts."""
    why = [conflict(*pair) for pair in product(base_license.split(", "), model_license.split(", "))]
    return Edge(base, model, relation, base_license, model_license, why[0] if all(why) else "")


def _license(record: Mapping[str, Any]) -> str:
    return ", ".join(record.get("ModelLicenseSPDX", ())) or record.get("ModelLicense") or NONE


def each_record(records: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of HUB.json, which has one per line, one at a time."""
    with records.open("rb") as file:
        for line in file:
            if line.startswith(b"{"):
                record: dict[str, Any] = orjson.loads(line.rstrip().removesuffix(b","))
                yield record


def write_csv(found: Sequence[Edge], path: Path) -> None:
    with path.open("w", newline="", errors="backslashreplace") as file:
        table = csv.writer(file)
        table.writerow(each.name for each in fields(Edge))
        table.writerows(map(astuple, found))


def write_graphml(found: Sequence[Edge], path: Path) -> None:
    """Write a directed graph from base models to models (http://graphml.graphdrawing.org/primer/graphml-primer.html)."""
    licenses = {edge.base: edge.base_license for edge in found} | {edge.model: edge.model_license for edge in found}
    with path.open("wb") as file:
        xml = XMLGenerator(file, "utf-8", short_empty_elements=True)
        xml.startDocument()
        xml.startElement("graphml", {"xmlns": _GRAPHML})  # type: ignore[arg-type]
        for key, kind in (("license", "node"), ("relation", "edge"), ("conflict", "edge")):
            _element(xml, "key", {"id": key, "for": kind, "attr.name": key, "attr.type": "string"})
        xml.startElement("graph", {"edgedefault": "directed"})  # type: ignore[arg-type]
        for model, license_ in licenses.items():
            _element(xml, "node", {"id": model}, license=license_)
        for edge in found:
            ends = {"source": edge.base, "target": edge.model}
            _element(xml, "edge", ends, relation=edge.relation, conflict=edge.conflict)
        xml.endElement("graph")
        xml.endElement("graphml")
        xml.endDocument()


def _element(xml: XMLGenerator, name: str, attributes: Mapping[str, str], **data: str) -> None:
    """Write an element and its data; a character that XML cannot have becomes U+FFFD."""
    clean = {key: _NOT_XML.sub("\ufffd", value) for key, value in attributes.items()}
    xml.startElement(name, clean)  # type: ignore[arg-type]
    for key, value in data.items():
        if value:
            xml.startElement("data", {"key": key})  # type: ignore[arg-type]
            xml.characters(_NOT_XML.sub("\ufffd", value))
            xml.endElement("data")
    xml.endElement(name)


def flows(found: Sequence[Edge], largest: int = 10) -> Counter[tuple[str, str, bool]]:
    """Count the edges by (licence of the base, of the model, conflict); rare licences become `OTHERS`."""
    sides = [Counter(edge.base_license for edge in found), Counter(edge.model_license for edge in found)]
    kept = [{license_ for license_, _ in side.most_common(largest)} for side in sides]
    return Counter(
        (
            edge.base_license if edge.base_license in kept[0] else OTHERS,
            edge.model_license if edge.model_license in kept[1] else OTHERS,
            bool(edge.conflict),
        )
        for edge in found
    )


def draw(found: Sequence[Edge], title: str) -> Figure:
    """Return the picture: base models left, derived models right, a band per pair of licences."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(9, 7), layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(-0.45, 1.45), title="")
        axes.set_axis_off()
        figure.suptitle(title, parse_math=False)
        counts = flows(found)
        gap = 0.02 * counts.total()
        left, right = (_places(counts, side, gap) for side in (0, 1))
        for (base, model, is_conflict), count in sorted(counts.items(), key=lambda item: item[0][2]):
            color = _CONFLICT if is_conflict else _UNKNOWN if base in (ABSENT, NONE) or model == NONE else _PLAIN
            _band(axes, left[base].take(count), right[model].take(count), count, color, is_conflict)
        _labels(axes, left, right)
        handles = [Rectangle((0, 0), 1, 1, color=color) for color in (_CONFLICT, _PLAIN, _UNKNOWN)]
        names = ["licences contradict each other", "no contradiction known", "a licence is unknown"]
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    return figure


class _Place:
    """A licence's range on one side of the picture."""

    def __init__(self, top: float, count: int) -> None:
        self.top, self.count, self._next = top, count, top

    def take(self, count: int) -> float:
        """Return the upper edge of the next band that ends here."""
        self._next -= count
        return self._next + count


def _places(counts: Counter[tuple[str, str, bool]], side: int, gap: float) -> dict[str, _Place]:
    sums: Counter[str] = Counter()
    for key, count in counts.items():
        sums[str(key[side])] += count
    places, top = {}, 0.0
    for license_, count in sums.most_common():
        places[license_] = _Place(top, count)
        top -= count + gap
    return places


def _band(axes: Axes, left: float, right: float, width: int, color: str, is_conflict: bool) -> None:
    corners = [(0, left), (0.5, left), (0.5, right), (1, right), (1, right - width)]
    corners += [(0.5, right - width), (0.5, left - width), (0, left - width), (0, left)]
    codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    hatch = "////" if is_conflict else None  # for readers who cannot distinguish the colours
    axes.add_patch(PathPatch(Outline(corners, codes), facecolor=color, edgecolor="white", alpha=0.75, hatch=hatch))


def _labels(axes: Axes, left: Mapping[str, _Place], right: Mapping[str, _Place]) -> None:
    for places, x, align in ((left, -0.03, "right"), (right, 1.03, "left")):
        for license_, place in places.items():
            axes.add_patch(
                Rectangle((-0.02 if x < 0 else 1, place.top - place.count), 0.02, place.count, color="black")
            )
            text = f"{_shown(license_)} ({place.count:,})"
            axes.text(x, place.top - place.count / 2, text, ha=align, va="center", parse_math=False)
    heights = [place.top - place.count for places in (left, right) for place in places.values()]
    axes.set_ylim(min(heights, default=0) * 1.02, -min(heights, default=0) * 0.06)
    axes.text(0, -min(heights, default=0) * 0.03, "base models", ha="right", weight="bold")
    axes.text(1, -min(heights, default=0) * 0.03, "models made from them", ha="left", weight="bold")


def _shown(text: str) -> str:
    """Return a shortened text without characters that fonts lack."""
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 30 else f"{text[:29]}..."


def write(found: Sequence[Edge], title: str, folder: Path) -> None:
    """Write lineage.csv, lineage.graphml, lineage.svg and lineage.png."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(found, folder / "lineage.csv")
    write_graphml(found, folder / "lineage.graphml")
    with rc_context(_STYLE):
        figure = draw(found, title)
        figure.savefig(folder / "lineage.svg", metadata={"Date": None})
        figure.savefig(folder / "lineage.png", dpi=120)


def main() -> int:
    """Return the exit status: 0 if the files were written, 2 if there is nothing to show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("hub", type=Path, help="a hub's folder, such as data/huggingface")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where files go; default: here"
    )
    given = parser.parse_args()
    hub = given.hub.resolve().name
    try:
        found = list(edges(given.hub / "json" / f"{hub}.json"))
    except OSError as error:
        print(f"lineage.py: {error.filename}: {error.strerror}; name a hub's folder", file=sys.stderr)
        return 2
    if not found:
        print(f"lineage.py: no record of {hub} names a base model; only Hugging Face's do", file=sys.stderr)
        return 2
    write(found, f"{hub}: licences of {len(found):,} pairs of base model and model", given.output)
    conflicts = sum(bool(edge.conflict) for edge in found)
    print(f"{given.output / 'lineage.csv'}: {len(found):,} edges, {conflicts:,} with licences in conflict")
    print(*(given.output / f"lineage.{suffix}" for suffix in ("graphml", "svg", "png")), sep=", ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
