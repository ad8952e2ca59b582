"""Load the schemas, and validate records."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs


def schema(name: str) -> dict[str, Any]:
    """Return a schema of the package: `ptmtorrent-2023`, `record`, or a hub's name for its metadata objects."""
    file = files("ptmtorrent_scrapy.records").joinpath("schemas", f"{name}.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def _path(error: Any) -> Any:
    """Return the path of an error in a record, for either library."""
    return getattr(error, "absolute_path", None) or getattr(error, "instance_path", ())


class Validator:
    """Checks records against PTMTorrent's published schema and the project's stricter one.

    jsonschema-rs validates a hundred times as fast as jsonschema; jsonschema describes what is wrong.
    """

    def __init__(self) -> None:
        self._fast = _fast()

    def problem(self, record: dict[str, Any]) -> str | None:
        """Return what is wrong with a record, in one line; None if it is valid."""
        if self._fast.is_valid(record):
            return None
        error = self._best_match(record) or next(self._fast.iter_errors(record))
        return f"{'.'.join(map(str, _path(error)))}: {error.message}"[:500]

    def _best_match(self, record: dict[str, Any]) -> Any:
        """Return the most relevant error of a record; None if jsonschema finds none."""
        from jsonschema.exceptions import best_match  # few crawls have an invalid record

        return best_match(_exact().iter_errors(record))


def _schema() -> dict[str, Any]:
    return {"allOf": [schema("ptmtorrent-2023"), schema("record")]}


@cache
def _fast() -> Any:
    return jsonschema_rs.Draft202012Validator(_schema(), validate_formats=True)


@cache
def _exact() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_schema())
