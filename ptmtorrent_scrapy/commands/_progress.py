"""Progress bars of the commands on a terminal, with rate and remaining time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[str, int, int | None], None]  # (what, done, total; None if it is not known)


@contextmanager
def bars() -> Iterator[Advance]:
    """Show one bar per kind of work on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console  # only a terminal needs Rich
    from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn

    from ptmtorrent_scrapy.formats.progress_columns import Count, Rate

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), Count(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
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
