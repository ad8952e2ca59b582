"""Metadata for Datasette, which shows the database in a browser: https://docs.datasette.io/en/stable/metadata.html"""

from typing import Any

import orjson

from ptmtorrent_scrapy.exports.sqlite.views import VIEWS

FILE = "metadata.json"
_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "model": ("The models, as PeaTMOSS has them", {"sort_desc": "downloads", "label_column": "context_id"}),
    "ptm_model": ("Fields that PeaTMOSS has no column for", {"facets": ["hub", "task"], "label_column": "name"}),
    "ptm_base_model": ("Which model was made from which", {"facets": ["relation"]}),
    "ptm_repository": ("Repositories and the results of their clones", {"facets": ["hub", "status"]}),
    "ptm_file": ("Files at the HEAD of each clone", {"facets": ["state"]}),
    "ptm_rejected": ("Models without a valid record", {"facets": ["hub", "reason"]}),
    "ptm_crawl": ("The crawls that made the tree", {"sort_desc": "started"}),
    "ptm_about": ("What this database is, and where each hub's data comes from", {}),
}
_FIND = (
    "SELECT p.hub, p.name, f.path, f.size, f.state FROM ptm_file f"
    " JOIN ptm_model p ON p.repository_id = f.repository_id WHERE f.sha256 = :hash OR f.blob = :hash"
)


def metadata(database: str) -> bytes:
    """Return the metadata of a database with this name (without suffix): titles, facets and saved queries."""
    tables = {name: {"description": description, **more} for name, (description, more) in _TABLES.items()}
    views = {name: {"description": view.question} for name, view in VIEWS.items()}
    queries = {
        name.removeprefix("ptm_"): {"title": view.question, "sql": f"SELECT * FROM {name}"}  # noqa: S608 # our own names
        for name, view in VIEWS.items()
    }
    queries["models_with_a_file"] = {"title": "Which models have the file with this SHA-256 or git blob?", "sql": _FIND}
    described = {
        "title": "PTMTorrent",
        "description": "Pre-trained models of model hubs, collected by ptmtorrent_scrapy",
        "databases": {database: {"tables": {**tables, **views}, "queries": queries}},
    }
    return orjson.dumps(described, option=orjson.OPT_INDENT_2) + b"\n"
