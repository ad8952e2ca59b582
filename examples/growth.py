"""Plot how the clones of a hub grew: commits, lines of code and bytes of weights per repository and day.

    python examples/growth.py data/onnxmodelzoo
    python examples/growth.py data/huggingface 'google/*' 'openai/*' -o growth-of-two

writes growth.csv, growth.svg and growth.png. Sizes of weights come from git-lfs's pointers, so no large file is read.
Lines are counted as cloc counts them: lines of files in a known language that are neither empty nor a comment.
The complete example is in this file, except for the count of lines (code_lines.py).
"""

import argparse
import csv
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, StrMethodFormatter

sys.path.append(str(Path(__file__).parent.parent))  # a checkout needs no installation

from examples.code_lines import SYNTAX, language_of, lines_of_code
from ptmtorrent_scrapy.formats.printable import printable
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.lfs.pointers import POINTER_BYTES, parse

_LOG = ("log", "--first-parent", "-m", "--root", "--raw", "-z", "--no-renames", "--no-abbrev", "--reverse")
_LARGEST = 16 << 20  # bytes of the largest file whose lines are counted
_BATCH = 64 << 20  # bytes of files in memory at a time
_REGULAR = b"100"  # beginning of the modes of regular files
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 9}  # the same data give the same file


@dataclass(frozen=True)
class Day:
    """The commits to a repository on a day (UTC), and its content at the end of that day."""

    repository: str  # owner/name
    day: date
    commits: int
    authors: int
    files: int
    lines: int
    weight_bytes: int


def clones(hub: Path, patterns: Sequence[str] = ()) -> list[Path]:
    """Return the clones of a hub's folder whose OWNER/NAME matches one of the patterns; all without a pattern."""
    found = sorted(path.parent for path in hub.glob("repos/*/*/.git"))
    return [path for path in found if not patterns or any(fnmatch(name(path), pattern) for pattern in patterns)]


def name(clone: Path) -> str:
    return f"{clone.parent.name}/{clone.name}"


def history(clone: Path) -> list[Day]:
    """Return the days with commits, earliest first."""
    commits: Counter[date] = Counter()
    authors: dict[date, set[bytes]] = defaultdict(set)
    for line in _git(clone, "log", "--format=%ct %ae", "HEAD").splitlines():
        time, _, email = line.partition(b" ")
        commits[_day(time)] += 1
        authors[_day(time)].add(email.lower())
    states = _states(clone)
    days, state = [], (0, 0, 0)
    for day in sorted(commits):
        state = states.get(day, state)
        days.append(Day(name(clone), day, commits[day], len(authors[day]), *state))
    return days


def _states(clone: Path) -> dict[date, tuple[int, int, int]]:
    """Return (files, lines, bytes of weights) at the end of each day with a commit on the main line."""
    changes = list(_changes(_git(clone, *_LOG, "--format=%H %ct", "HEAD")))
    measured = _measured(clone, ((blob, path) for _, path, blob in changes if path and blob))
    there: dict[bytes, tuple[int, int]] = {}
    lines = weights = 0
    states, latest = {}, date.min
    for day, path, blob in changes:
        latest = max(latest, day)  # a committer's clock may be wrong, the order of the main line is not
        if path is not None:
            lines_before, weights_before = there.pop(path, (0, 0))
            lines_now, weights_now = measured[blob, language_of(path)] if blob else (0, 0)
            lines, weights = lines + lines_now - lines_before, weights + weights_now - weights_before
            if blob:
                there[path] = (lines_now, weights_now)
        states[latest] = (len(there), lines, weights)
    return states


def _changes(log: bytes) -> Iterator[tuple[date, bytes | None, bytes | None]]:
    """Yield (day, path, new blob; None if the file was removed) of each change; path is None for a commit alone."""
    day = date.min
    words = iter(log.split(b"\0"))
    for word in words:
        if not (word := word.strip(b"\n")):
            continue
        if not word.startswith(b":"):
            day = _day(word.split()[1])
            yield day, None, None
            continue
        _, mode, _, blob, _ = word.split()
        yield day, next(words), blob if mode.startswith(_REGULAR) else None


def _measured(clone: Path, files: Iterable[tuple[bytes, bytes]]) -> dict[tuple[bytes, str], tuple[int, int]]:
    """Return (lines of code, bytes of weights) by (blob, language), for files given as (blob, path)."""
    languages: dict[bytes, set[str]] = defaultdict(set)
    for blob, path in files:
        languages[blob].add(language_of(path))
    measured = {(blob, language): (0, 0) for blob, those in languages.items() for language in those}
    for blob, content in _contents(clone, languages):
        pointer = parse(content) if len(content) in POINTER_BYTES else None
        for language in languages[blob]:
            measured[blob, language] = (0, pointer.size) if pointer else (lines_of_code(language, content), 0)
    return measured


def _contents(clone: Path, languages: dict[bytes, set[str]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the blobs that may be a pointer, or are in a known language and not too large."""
    batch, size = [], 0
    for line in _git(clone, "cat-file", "--batch-check", stdin=b"\n".join(languages) + b"\n").splitlines():
        blob, kind, length = [*line.split(), b""][:3]
        if kind != b"blob" or int(length) > _LARGEST:
            continue  # missing, or data
        if int(length) in POINTER_BYTES or any(language in SYNTAX for language in languages[blob]):
            batch.append(blob)
            size += int(length)
        if size > _BATCH:
            yield from _read(clone, batch)
            batch, size = [], 0
    yield from _read(clone, batch)


def _read(clone: Path, blobs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    output = _git(clone, "cat-file", "--batch", stdin=b"".join(blob + b"\n" for blob in blobs))
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        blob, _, length = output[at:end].split()
        at = end + 1 + int(length)
        yield blob, output[end + 1 : at]
        at += 1


def _git(clone: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git as safely as a crawl does: untrusted repositories may have hostile configuration and names."""
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment(timeout=3600)).stdout


def _day(seconds: bytes) -> date:
    return datetime.fromtimestamp(min(max(int(seconds), 0), 253402300799), UTC).date()


def at_each_day(histories: Sequence[Sequence[Day]], field: str) -> tuple[list[date], list[list[int]]]:
    """Return all days from the one before the first, and per repository a field's values at the end of them."""
    days = sorted({each.day for history in histories for each in history})
    days.insert(0, days[0] - timedelta(1))
    values = []
    for history in histories:
        known = {each.day: getattr(each, field) for each in history}
        values.append(list(accumulate(days, lambda value, day: known.get(day, value), initial=0))[1:])  # noqa: B023
    return days, values


def draw(histories: Sequence[Sequence[Day]], title: str, largest: int = 8) -> Figure:
    """Return the picture: lines of code and bytes of weights over time, the largest repositories and the sum of all."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(10, 7), layout="constrained")
        figure.suptitle(title, parse_math=False)
        panels = figure.subplots(2, 1, sharex=True)
        for panel, field, label in zip(
            panels, ("lines", "weight_bytes"), ("lines of code", "bytes of weights"), strict=True
        ):
            _panel(panel, histories, field, largest)
            panel.set_ylabel(label)
        panels[0].yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panels[1].yaxis.set_major_formatter(EngFormatter("B"))
        panels[1].set_xlabel("date (UTC)")
    return figure


def _panel(panel: Axes, histories: Sequence[Sequence[Day]], field: str, largest: int) -> None:
    days, values = at_each_day(histories, field)
    dates = np.array(days, dtype="datetime64[D]")
    if len(histories) > 1:
        total = [sum(each) for each in zip(*values, strict=True)]
        panel.step(
            dates, total, where="post", color="black", linewidth=2, label=f" all {len(histories):,} repositories"
        )
    order = sorted(range(len(histories)), key=lambda number: -values[number][-1])
    for number in order[:largest]:
        panel.step(dates, values[number], where="post", label=_shown(histories[number][0].repository))
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
    for text in panel.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small").get_texts():
        text.set_parse_math(False)


def _shown(repository: str) -> str:
    """Return a name without characters that fonts lack; a label that begins with "_" would be hidden."""
    return " " + repository.encode("ascii", "backslashreplace").decode()


def write(histories: Sequence[Sequence[Day]], title: str, folder: Path) -> None:
    """Write growth.csv, growth.svg and growth.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "growth.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(each.name for each in fields(Day))
        table.writerows(astuple(day) for history in histories for day in history)
    with rc_context(_STYLE):
        figure = draw(histories, title)
        figure.savefig(folder / "growth.svg", metadata={"Date": None})
        figure.savefig(folder / "growth.png", dpi=120)


def _count(histories: Sequence[object]) -> str:
    return f"{len(histories):,} repositor{'y' if len(histories) == 1 else 'ies'}"


def histories_of(paths: Iterable[Path]) -> list[list[Day]]:
    """Return the histories of clones, read several at a time; report and skip one that git cannot read."""

    def read(clone: Path) -> list[Day]:
        try:
            return history(clone)
        except subprocess.CalledProcessError as error:
            message = error.stderr.decode("utf-8", "backslashreplace").partition("\n")[0]
            print(printable(f"skipped {name(clone)}: git: {message}"), file=sys.stderr)
            return []

    with ThreadPoolExecutor() as pool:
        return [days for days in pool.map(read, paths) if days]


def main() -> int:
    """Return the exit status: 0 if the files were written, 2 if there is nothing to plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("hub", type=Path, help="a hub's folder, such as data/onnxmodelzoo")
    parser.add_argument(
        "pattern", nargs="*", help="clones to take, such as google/bert-base or 'google/*'; default: all"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where the files go; default: here"
    )
    given = parser.parse_args()
    histories = histories_of(clones(given.hub, given.pattern))
    if not histories:
        print(f"growth.py: no clone with a commit in {given.hub}/repos matches; name a hub's folder", file=sys.stderr)
        return 2
    write(histories, f"{given.hub.resolve().name}: growth of {_count(histories)}", given.output)
    print(f"{given.output / 'growth.csv'}: {sum(map(len, histories)):,} days with commits of {_count(histories)}")
    print(f"{given.output / 'growth.svg'}, {given.output / 'growth.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
