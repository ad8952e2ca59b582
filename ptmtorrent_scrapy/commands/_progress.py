"""Progress bars of the commands on a terminal: what is done, its rate and the time left."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Advance = Callable[[str, int, int | None], None]  # (what, done, total; None if it is not known)


class _Rate(ProgressColumn):
    """Column with the number done per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


class _Count(ProgressColumn):
    """Column with the number done, and the total."""

    def render(self, task: Task) -> Text:
        total = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total}", style="progress.download")


@contextmanager
def bars() -> Iterator[Advance]:
    """Show one bar per kind of work on standard error, if that is a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), _Count(), _Rate(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        tasks: dict[str, Task] = {}

        def advance(what: str, done: int, total: int | None) -> None:
            if total == 0:
                return
            if what not in tasks:
                progress.add_task(what, total=total)
                tasks[what] = progress.tasks[-1]
            # An estimate changes each time; `update` would forget the rate with the former one.
            tasks[what].total = None if total is None else max(total, done)
            progress.update(tasks[what].id, completed=done)

        yield advance
