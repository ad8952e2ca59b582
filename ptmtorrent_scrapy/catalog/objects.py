"""The objects of a hub that its records were made of."""

from collections.abc import Iterator
from typing import Any, Protocol


class OpenMetadata(Protocol):
    """The metadata files of a hub that are open."""

    def objects(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (position, object) of a file."""
        ...

    def report_other(self, name: str, position: int) -> None:
        """Count an object that belongs to another model than the record that names it."""
        ...


class Objects:
    """The objects of the metadata files in the order of the records, which is theirs."""

    def __init__(self, pair: OpenMetadata) -> None:
        self._pair = pair
        self._read: dict[str, tuple[int, dict[str, Any] | None, Iterator[tuple[int, dict[str, Any]]]]] = {}

    def of(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the object of a record; None if it is missing or belongs to another model."""
        name, position = place(record)
        found = self._at(name, position) if name else None
        if found is not None and record["ModelName"] not in found.values():
            self._pair.report_other(name, position)
            return None
        return found

    def _at(self, name: str, position: int) -> dict[str, Any] | None:
        at, found, rest = self._read.get(name, (-1, None, iter(())))
        if name not in self._read or at > position:
            at, found, rest = -1, None, self._pair.objects(name)
        while at < position:
            at, found = next(rest, (1 << 62, None))
        self._read[name] = (at, found, rest)
        return found if at == position else None


def place(record: dict[str, Any]) -> tuple[str, int]:
    """Return the metadata file of a record's object, and its position there; ("", 0) if the record has none.

    Examples:
        >>> place({"ModelHub": {"MetadataFilePath": "data/hub/json/metadata/a.json", "MetadataObjectID": 3}}), place({})
        (('a.json', 3), ('', 0))
    """
    hub = record.get("ModelHub")
    if not isinstance(hub, dict) or not isinstance(position := hub.get("MetadataObjectID"), int):
        return "", 0
    return str(hub.get("MetadataFilePath")).rpartition("/")[2], position
