"""From where a crawl that was cut goes on."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson

from ptmtorrent_scrapy import __version__


class Checkpointed(Protocol):
    """What writes files while the listing goes on."""

    def save(self) -> dict[str, Any]:
        """Bring what was written to the disk; what is needed to go on from there, as JSON."""

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        """Whether what was saved is still there; of a complete listing some may have taken its place."""

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """How far the listing has come."""

    request: dict[str, Any]  # what was asked: another crawl may ask for something else
    began: int  # seconds of the epoch
    page: dict[str, Any] | None  # `file`, `url`, `following`: the page to go on with
    complete: bool
    kept: dict[str, dict[str, Any]]  # by keeper
    statistics: dict[str, Any]

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    def is_of(self, request: Mapping[str, Any], longest: float) -> bool:
        """Whether it is of the same request, and no older than so many seconds."""
        return self.request == request and 0 <= time.time() - self.began <= longest


def parse(state: bytes | None) -> Checkpoint | None:
    """A checkpoint that was saved; None if there is none, or none that this version understands."""
    try:
        return None if state is None else Checkpoint(**orjson.loads(state))
    except (TypeError, ValueError):
        return None


def request(*, urls: Sequence[str], with_token: bool, selection: object, keepers: Iterable[str]) -> dict[str, Any]:
    """Return what a crawl asks for: whatever decides what its listing says and notes."""
    return {
        "version": __version__,
        "urls": list(urls),
        "token": with_token,
        "selection": selection,
        "keepers": sorted(keepers),
    }
