"""Find values of the selection arguments that no model has, each with the most similar value that exists."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from ptmtorrent_scrapy.crawl.selection import ARGUMENTS, Selection, parts
from ptmtorrent_scrapy.items import Model

_MOST = 50_000  # values of a field to compare with


class Matches:
    """Compares the models of a listing with the values that the user gave.

    It is saved with each checkpoint, so that a resumed listing knows the values of its first part.
    """

    def __init__(self, selection: Selection) -> None:
        self._wanted = selection.given
        self._matched: set[tuple[str, str]] = set()  # (field, value)
        self._seen: dict[str, set[str]] = {field: set() for field in selection.given}

    def see(self, model: Model) -> None:
        """Note the values of a model."""
        for field, wanted in self._wanted.items():
            found = set(parts(getattr(model, field)))
            self._matched |= {(field, value) for value in wanted & found}
            if len(self._seen[field]) < _MOST:
                self._seen[field] |= found

    def unmatched(self) -> Iterator[str]:
        """Yield one line for each value that no model has, with the most similar one that a model has."""
        for field, wanted in self._wanted.items():
            for value in sorted(wanted):
                if (field, value) not in self._matched:
                    near = difflib.get_close_matches(value, self._seen[field], n=1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    yield f"{ARGUMENTS[field]}={value}: no model has it{hint}"

    def save(self) -> dict[str, Any]:
        """Return the values that were matched so far."""
        return {"matched": sorted(self._matched)}

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        """Return True: no file is needed."""
        return True

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Continue with the values that were saved."""
        self._matched = {(field, value) for field, value in saved["matched"]}
