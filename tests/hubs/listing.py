"""The order of a listing, the cursors of its pages, and the repositories of a query."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from multidict import MultiMapping

from tests.hubs.generated import Generated

_CREATED = "createdAt"


class Order:
    """The repositories of one kind in one order, newest or most first unless `ascending`.

    In order of creation, every page takes the same time, however many there are; another order is kept as a
    list of all indexes, which suits hubs of up to about 100,000 models.
    """

    def __init__(self, models: Generated, sort: str, *, ascending: bool = False) -> None:
        self._models = models
        self._sort = sort
        self._sign = 1 if ascending else -1
        self._next = "$gt" if ascending else "$lt"

    def after(self, cursor: str | None) -> Iterator[int]:
        """Yield the indexes from a cursor on. Raise `ValueError`."""
        ranked = self._ranked()
        start = self._position(ranked, cursor) if cursor else 0
        return (ranked[position] for position in range(start, len(ranked)))

    def cursor(self, index: int) -> str:
        """Return the cursor for "after this one" in the URL of a page, in Hugging Face's format."""
        model = f"{index:024x}"
        if self._sort == _CREATED:
            return encoded({"_id": {self._next: model}})
        value = self._models.rank(index, self._sort)
        return encoded({"$or": [{self._sort: value, "_id": {"$gt": model}}, {self._sort: {self._next: value}}]})

    def _ranked(self) -> Sequence[int]:
        if self._sort == _CREATED:
            return range(len(self._models))[:: self._sign]
        return _ranked(self._models, self._sort, self._sign)

    def _position(self, ranked: Sequence[int], cursor: str) -> int:
        told = decoded(cursor)
        try:
            (model,) = (told if self._sort == _CREATED else told["$or"][0])["_id"].values()
            index = int(model, 16)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(cursor) from error
        if self._sort != _CREATED:
            return ranked.index(index) + 1
        return index + 1 if self._sign > 0 else max(0, len(ranked) - index)


@lru_cache(maxsize=8)
def _ranked(models: Generated, sort: str, sign: int) -> list[int]:
    return sorted(range(len(models)), key=lambda index: (sign * models.rank(index, sort), index))


class Query:
    """The query of a listing."""

    def __init__(self, query: MultiMapping[str]) -> None:
        self._query = query
        self._selects = any(name in query for name in ("author", "search", "pipeline_tag", "gated", "filter"))

    def wants(self, listed: Mapping[str, Any]) -> bool:
        """Return whether it includes a repository."""
        if not self._selects:
            return True
        query, name, gated = self._query, listed["id"], str(bool(listed.get("gated"))).lower()
        return (
            query.get("author", name.rpartition("/")[0]) == name.rpartition("/")[0]
            and query.get("search", "").lower() in name.lower()
            and query.get("pipeline_tag", listed.get("pipeline_tag")) == listed.get("pipeline_tag")
            and query.get("gated", gated).lower() == gated
            and set(query.getall("filter", [])) <= {*listed["tags"], listed.get("pipeline_tag")}
        )


def encoded(value: Any) -> str:
    """Return a cursor."""
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def decoded(cursor: str) -> Any:
    """Return the content of a cursor. Raise `ValueError`."""
    return json.loads(base64.b64decode(cursor, validate=True))
