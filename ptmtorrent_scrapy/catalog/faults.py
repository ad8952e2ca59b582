"""Faults: lines and files of a data tree that cannot be read, counted by file."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_EXAMPLES = 3  # faults of a file that are described


class Faults:
    """Counts faults by file, and keeps the first few descriptions of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()  # by the file's path below the hub's folder
        self.examples: dict[str, list[str]] = {}
        self.is_mixed = False  # whether an object was of another model than its record
        self._seen: dict[tuple[str, str], None] = {}  # in the order in which they were found

    def add(self, file: str, description: str) -> None:
        """Count a fault, unless an earlier reader of the file has counted it."""
        described = self.examples.setdefault(file, [])
        if (file, description) in self._seen:
            return
        if len(self._seen) < 100_000:
            self._seen[(file, description)] = None
        self.counts[file] += 1
        if len(described) < _EXAMPLES:
            described.append(description)

    def add_all(self, others: "Faults") -> None:
        """Count faults from another `Faults`, in their order."""
        for file, description in list(others._seen):
            self.add(file, description)
        self.is_mixed |= others.is_mixed

    def lines(self) -> Iterator[str]:
        """Yield one line per file, for people."""
        for file, count in sorted(self.counts.items()):
            examples = "; ".join(self.examples[file])
            more = f" and {count - _EXAMPLES:,} more" if count > _EXAMPLES else ""
            yield f"{file}: {examples}{more}"

    def __bool__(self) -> bool:
        return bool(self.counts)


def below(path: Path, folder: Path) -> str:
    """Return the path of a file below a hub's folder, in the form that `Faults` counts by."""
    return path.relative_to(folder).as_posix()
