"""Writes files of the tree again with some of their lines or elements changed; readers see the old or the new file."""

from collections.abc import Callable
from pathlib import Path

from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile

_BRACKETS = (b"[", b"]", b"")


def rewrite_lines(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Write a file again with what `change` returns for each line, without those for which that is None.

    Nothing is done where there is no such file. Raise `OSError`.
    """
    if not path.is_file():
        return
    with path.open("rb") as lines, AtomicFile(path) as file:
        for line in lines:
            if (changed := change(line)) is not None:
                file.write(changed)


def rewrite_elements(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Write a JSON array with one element per line again, with what `change` returns for the text of each element.

    Nothing is written where there is no such file, or where `change` returns each text as it is. Raise `OSError`.
    """
    if not path.is_file():
        return
    new, has_changed = JsonArrayFile(path), False
    try:
        with path.open("rb") as lines:
            for line in lines:
                if (element := line.strip().removesuffix(b",")) not in _BRACKETS:
                    changed = change(element)
                    has_changed = has_changed or changed is not element
                    new.append(changed)
    except BaseException:
        new.abandon()
        raise
    if has_changed:
        new.commit()
    else:
        new.abandon()
