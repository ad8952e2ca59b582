"""Changes between two states of a hub: their number, and the first models of each kind."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ptmtorrent_scrapy.snapshots.diff import Change, changes
from ptmtorrent_scrapy.snapshots.reader import DamagedFile, State, UnknownState, compared
from ptmtorrent_scrapy.storage.tree import DataTree

KINDS = ("added", "removed", "changed")
LISTED = 500  # models of each kind
MOST = 500_000  # records of a hub that a report compares: a comparison takes as long as the rest of it


@dataclass(kw_only=True)
class Changes:
    """The changes between two states of a hub."""

    before: str  # a snapshot's name
    after: str  # likewise, or `now`
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    only_counted: int = 0  # models with changes in downloads or likes only
    fields: Counter[str] = field(default_factory=Counter)  # how many models changed in a field
    listed: dict[str, list[Change]] = field(default_factory=lambda: {kind: [] for kind in KINDS})


def last_changes(tree: DataTree, records: int) -> Changes | None:
    """Return the changes since the newest snapshot; None without a readable one, or for too many records."""
    if records > MOST:
        return None
    try:
        return changes_between(*compared(tree, []), listed=20)
    except (UnknownState, DamagedFile):
        return None


def changes_between(before: State, after: State, *, listed: int = LISTED) -> Changes:
    """Count all changes and list the first of each kind. Raise `DamagedFile`, `OSError`."""
    found = Changes(before=before.name, after=after.name)
    for change in changes(before, after):
        _add(found, change, listed)
    return found


def _add(found: Changes, change: Change, listed: int) -> None:
    found.fields.update([*change.fields, *change.others, *change.counts])
    if change.is_counted_only:
        found.only_counted += 1
        return
    found.counts[change.what] += 1
    if len(found.listed[change.what]) < listed:
        found.listed[change.what].append(change)


def values(change: Change) -> list[tuple[str, str, str]]:
    """Return (field, old value, new value) of the changes of a model, for people."""
    kept = [(name, _shown(old), _shown(new)) for name, (old, new) in (change.fields | change.counts).items()]
    return kept + [(name, "values are not kept", "") for name in change.others]


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
