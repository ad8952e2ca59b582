"""Rewrite files of the tree with changed lines or elements; readers see the old or the new file."""

from collections.abc import Callable
from pathlib import Path

from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile

_BRACKETS = (b"[", b"]", b"")


def rewrite_lines(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Rewrite a file with the result of `change` for each line; lines with the result None are removed.

    A missing file is ignored. Raise `OSError`.
    """
    if not path.is_file():
        return
    with path.open("rb") as lines, AtomicFile(path) as file:
        for line in lines:
            if (changed := change(line)) is not None:
                file.write(changed)


def rewrite_elements(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Rewrite a JSON array with one element per line, with the result of `change` for the text of each element.

    Nothing is written if the file is missing or `change` returns each text unchanged. Raise `OSError`.
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
