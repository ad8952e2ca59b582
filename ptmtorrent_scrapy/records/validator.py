"""The schemas of the package, and what makes a record valid."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import jsonschema_rs


def schema(name: str) -> dict[str, Any]:
    """Return a schema of the package: `ptmtorrent-2023`, `record`, or a hub's name for its metadata objects."""
    return json.loads(files("ptmtorrent_scrapy.records").joinpath("schemas", f"{name}.json").read_text("utf-8"))  # type: ignore[no-any-return]


def _path(error: Any) -> Any:
    """Return where in a record an error of either library is."""
    return getattr(error, "absolute_path", None) or getattr(error, "instance_path", ())


class Validator:
    """Checks records against PTMTorrent's published schema and the project's stricter one.

    jsonschema-rs says a hundred times as fast as jsonschema whether a record is valid; jsonschema says what is wrong.
    """

    def __init__(self) -> None:
        schemas = [schema("ptmtorrent-2023"), schema("record")]
        self._fast = jsonschema_rs.Draft202012Validator({"allOf": schemas}, validate_formats=True)
        self._exact = jsonschema.Draft202012Validator({"allOf": schemas})

    def problem(self, record: dict[str, Any]) -> str | None:
        """Return what is wrong with a record, in one line; None if it is valid."""
        if self._fast.is_valid(record):
            return None
        error = jsonschema.exceptions.best_match(self._exact.iter_errors(record)) or next(
            self._fast.iter_errors(record)
        )
        return f"{'.'.join(map(str, _path(error)))}: {error.message}"[:500]
