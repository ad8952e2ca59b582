"""Models without a record, by reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

EXAMPLES = 5
_REASONS = 100
_TEXT = 300


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Models that were rejected for the same reason."""

    reason: str
    models: int
    examples: list[tuple[str, str]]  # (model, detail)


@dataclass(frozen=True, kw_only=True)
class Rejections:
    """All models without a record."""

    total: int
    reasons: list[Reason]  # most frequent first


def rejections(lines: Iterable[dict[str, Any]]) -> Rejections:
    """Return the figures of the lines of rejected.jsonl."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        reason = str(line.get("reason"))[:_TEXT]
        if reason not in counts and len(counts) >= _REASONS:
            reason = "other reasons"
        counts[reason] += 1
        if len(some := examples.setdefault(reason, [])) < EXAMPLES:
            some.append((_name(line), str(line.get("detail") or "")[:_TEXT]))
    reasons = [Reason(reason=reason, models=count, examples=examples[reason]) for reason, count in counts.most_common()]
    return Rejections(total=counts.total(), reasons=reasons)


def _name(line: dict[str, Any]) -> str:
    """Return the model's name, else its position in the listing."""
    return str(line.get("name") or f"model at position {line.get('position')}")[:_TEXT]
