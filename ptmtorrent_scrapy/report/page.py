"""Render the pages: one HTML file each, without network requests and scripts, whatever a hub sends.

Jinja2 escapes every text, and control and direction characters are shown as codes. The
Content-Security-Policy allows the page's own style and nothing else.
"""

import base64
import hashlib
import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.report.changes import MOST, Changes, values
from ptmtorrent_scrapy.report.charts import LineChart, line_chart
from ptmtorrent_scrapy.report.crawls import History
from ptmtorrent_scrapy.report.figures import HubFigures, TreeFigures
from ptmtorrent_scrapy.report.repositories import Repository

if TYPE_CHECKING:  # most commands write no page
    from jinja2 import Environment

_LONGEST = 200  # characters of a text that are shown
_PARTS = re.compile(r"(?<=[/_])(?=[^/_])|(?<=[a-z])(?=[A-Z])")  # characters after which a name may be wrapped
_TITLES = {  # headings of charts, and the noun of a value
    "ModelTask": ("Tasks", "task"),
    "ModelLibrary": ("Libraries", "library"),
    "ModelArchitecture": ("Architectures", "architecture"),
    "ModelOwner": ("Owners", "owner"),
}


def report_page(figures: TreeFigures) -> str:
    """Return index.html for the figures of a tree."""
    hubs = [_hub(hub) for hub in figures.hubs]
    listed = Counter[str]()
    for hub in figures.hubs:
        listed[hub.listed] += hub.models or 0
    totals = {
        "listed": [counted(count, name.removesuffix("s")) for name, count in listed.items()],
        "records": sum(hub.records.records for hub in figures.hubs),
        "clones": sum(hub.repositories.clones for hub in figures.hubs),
        "bytes": sum(hub["bytes"] for hub in hubs),
    }
    return _render(
        "report.html",
        hubs=hubs,
        totals=totals,
        tree=figures.tree,
        titles=_TITLES,
        most=MOST,
        generated=figures.generated,
    )


def diff_page(hub: str, changes: Changes) -> str:
    """Return the page about the changes between two states of a hub."""
    return _render("diff.html", hub=hub, changes=changes, generated=datetime.now(UTC).isoformat(timespec="seconds"))


def _hub(hub: HubFigures) -> dict[str, Any]:
    """Return the values for the template of a hub: its figures and derived values."""
    records, repositories = hub.records, hub.repositories
    largest = [{**vars(each), "name": _name(each)} for each in repositories.largest]
    return {
        **vars(hub),
        "id": f"hub-{hub.name}",
        "bytes": repositories.stored.git + repositories.stored.object_bytes,
        "shared_bytes": repositories.stored.shared_bytes,
        "filled": [(each.field, each.records) for each in records.filled],
        "spdx": [("SPDX identifier", records.spdx), ("another name", _otherwise_licensed(hub))] if records.spdx else [],
        "repositories": {**vars(repositories), "largest": largest, "clones": repositories.clones},
        "chart": _growth(hub.history),
    }


def _otherwise_licensed(hub: HubFigures) -> int:
    return max(hub.records.records - hub.records.licenses.without - hub.records.spdx, 0)


def _name(repository: Repository) -> str:
    return (repository.path or repository.url).removeprefix("repos/")


def _growth(history: History) -> LineChart | None:
    """Return the chart of models and records over the crawls that wrote records; None for fewer than two."""
    crawls = [crawl for crawl in history.crawls if crawl.records is not None and _time(crawl.started)]
    times = [_time(crawl.started) or datetime.min for crawl in crawls]
    if len(crawls) < 2 or times != sorted(times):
        return None
    lines = (("models", [crawl.models for crawl in crawls]), ("records", [crawl.records for crawl in crawls]))
    return line_chart("Models and records over the crawls", times, lines)


def _render(template: str, **context: Any) -> str:
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    page = _environment().get_template(template)
    return page.render(**context, version=__version__, policy=Markup(policy), style=Markup(style))  # noqa: S704 - our own


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ptmtorrent_scrapy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "capitalised": lambda text: text[:1].upper() + text[1:],
        "counted": counted,
        "number": lambda value: "unknown" if value is None else f"{value:,}",
        "of": lambda value, largest: round(100 * value / largest, 1) if largest else 0,
        "share": share,
        "shown": shown,
        "size": human,
        "target": target,
        "time": _shown_time,
        "values": values,
        "wrapped": wrapped,
    }
    return environment


@cache
def _style() -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, "style.css")[0]


def shown(value: Any) -> str:
    r"""Return a hub's text for the page: shortened, and without control and direction characters.

    >>> shown("a\u202eb")
    'a\\u202eb'
    """
    text = printable(str(value)[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def wrapped(value: Any) -> Markup:
    """Return a text for the page that may be wrapped between its parts.

    >>> wrapped("org/a<b"), wrapped("ModelTask")
    (Markup('org/<wbr>a&lt;b'), Markup('Model<wbr>Task'))
    """
    return Markup("<wbr>").join(_PARTS.split(shown(value)))


def target(url: Any) -> str | None:
    """Return a URL if the page may link to it, else None.

    >>> target("https://huggingface.co/gpt2"), target("javascript:alert(1)")
    ('https://huggingface.co/gpt2', None)
    """
    try:
        parts = urlsplit(url if isinstance(url, str) and url.isprintable() else "")
    except ValueError:
        return None
    return str(url) if parts.scheme in ("http", "https") and parts.netloc and not parts.username else None


def share(value: int, total: int) -> str:
    """Return a share in percent.

    >>> share(1, 3), share(1, 100_000), share(99_999, 100_000), share(0, 0)
    ('33.3 %', '< 0.1 %', '> 99.9 %', '')
    """
    if not total:
        return ""
    percent = 100 * value / total
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _shown_time(text: str) -> str:
    """Return a time, or the time that a snapshot is named after, to the minute, in UTC.

    >>> _shown_time("20260102T030405Z"), _shown_time("now")
    ('2026-01-02 03:04 UTC', 'now')
    """
    time = _time(text)
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if time else shown(text)
