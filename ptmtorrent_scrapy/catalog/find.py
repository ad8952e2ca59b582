"""Find files of models by their content or their path."""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ptmtorrent_scrapy.catalog.hub import CollectedHub

_HASH = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})|([0-9a-fA-F]{40})")
_MATCHES = 100_000  # that are kept before their models are looked up


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file that was found, and the models of its repository."""

    hub: str
    models: tuple[str, ...]  # names; empty if the repository's models have no record
    repository: str
    path: str
    size: int | None
    blob: str | None
    sha256: str | None
    state: str | None


def find(hubs: Sequence[CollectedHub], query: str) -> Iterator[FoundFile]:
    """Yield the files with a SHA-256 or git blob id, or whose path or name matches a pattern."""
    matches = matcher(query)
    for hub in hubs:
        lines: list[dict[str, Any]] = []
        for line in hub.files():
            if matches(line):
                lines.append(line)
                if len(lines) >= _MATCHES:
                    yield from _with_models(hub, lines)
                    lines.clear()
        yield from _with_models(hub, lines)


def matcher(query: str) -> Callable[[dict[str, Any]], bool]:
    """Return a function that says whether a line of files.jsonl is of a wanted file.

    Examples:
        >>> matcher("*.onnx")({"path": "a/b.onnx"}), matcher("a/*")({"path": "b/c"})
        (True, False)
    """
    if match := _HASH.fullmatch(query):
        digest = (match[1] or match[2]).lower()
        return lambda line: digest in (line.get("sha256"), line.get("blob"))
    pattern = re.compile(fnmatch.translate(query))
    if "/" in query:
        return lambda line: pattern.match(line["path"]) is not None
    return lambda line: pattern.match(line["path"].rpartition("/")[2]) is not None


def _with_models(hub: CollectedHub, lines: list[dict[str, Any]]) -> Iterator[FoundFile]:
    """Yield the files with the names of the models of their repositories."""
    if not lines:
        return
    repositories = {line["repository"] for line in lines}
    models: defaultdict[str, list[str]] = defaultdict(list)
    with hub.open() as pair:
        for record, _ in pair.records(with_objects=False):
            url = record.get("ModelRepositoryURL") or record["ModelURL"]
            if isinstance(url, str) and url in repositories:
                models[url].append(record["ModelName"])
    for line in lines:
        size, texts = line.get("size"), {key: line.get(key) for key in ("blob", "sha256", "state")}
        yield FoundFile(
            hub=hub.name,
            models=tuple(models[line["repository"]]),
            repository=line["repository"],
            path=line["path"],
            size=size if type(size) is int else None,
            **{key: text if isinstance(text, str) else None for key, text in texts.items()},
        )
