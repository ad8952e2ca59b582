"""Checkpoints, from which an interrupted crawl is resumed."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Protocol, Self

import orjson

from ptmtorrent_scrapy import __version__


class Checkpointed(Protocol):
    """Component that writes files during the listing."""

    def save(self) -> dict[str, Any]:
        """Sync what was written to the disk; return what is needed to continue from there, as JSON values."""

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        """Return whether the saved files still exist; after a complete listing some may be committed already."""

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Continue from there."""


@dataclass(frozen=True, kw_only=True)
class TokenMark:
    """Keyed hash of a token, which recognises it but does not reveal it."""

    key: str
    hash: str

    @classmethod
    def of(cls, token: str | None, key: str = "") -> Self | None:
        """Return the mark of a token, None without one; with a new key unless one is given."""
        if token is None:
            return None
        key = key or secrets.token_hex(16)
        return cls(key=key, hash=blake2b(token.encode(), key=bytes.fromhex(key), digest_size=16).hexdigest())


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The progress of a listing."""

    request: dict[str, Any]  # what the listing depends on: another crawl may request something else
    token: TokenMark | None  # of the user: another user may see other models
    began: int  # seconds of the epoch
    page: dict[str, Any] | None  # `file`, `digest`, `url`, `following`: the page to continue with
    complete: bool
    kept: dict[str, dict[str, Any]]  # by name of the component
    statistics: dict[str, Any]

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    def is_of(self, request: Mapping[str, Any], token: str | None, longest: float) -> bool:
        """Return whether it is of the same request by the same user, and no older than so many seconds."""
        is_same_user = self.token == TokenMark.of(token, self.token.key if self.token else "")
        return is_same_user and self.request == request and 0 <= time.time() - self.began <= longest


def parse(state: bytes | None) -> Checkpoint | None:
    """Return a saved checkpoint; None if there is none, or this version cannot read it."""
    try:
        values = orjson.loads(state or b"")
        token = values.pop("token")
        return Checkpoint(**values, token=token and TokenMark(**token))
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def request(
    *, urls: Sequence[str], fields: Sequence[str], selection: object, checkpointed: Iterable[str]
) -> dict[str, Any]:
    """Return everything that decides what a listing contains and writes."""
    return {
        "version": __version__,
        "urls": list(urls),
        "fields": list(fields),
        "selection": selection,
        "keepers": sorted(checkpointed),
    }
