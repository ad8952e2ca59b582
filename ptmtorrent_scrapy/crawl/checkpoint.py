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
        """Sync the written data to the disk; return the state to continue from, as JSON values."""

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        """Return whether the saved files still exist; after a complete listing some may be committed already."""

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Continue from a saved state."""


@dataclass(frozen=True, kw_only=True)
class TokenMark:
    """Keyed hash of a token, which recognises it but does not reveal it."""

    key: str
    hash: str

    @classmethod
    def of(cls, token: str | None, key: str = "") -> Self | None:
        """Return the mark of a token, or None without a token; a new key is made unless one is given."""
        if token is None:
            return None
        key = key or secrets.token_hex(16)
        return cls(key=key, hash=blake2b(token.encode(), key=bytes.fromhex(key), digest_size=16).hexdigest())


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The progress of a listing."""

    request: dict[str, Any]  # what the listing depends on; another crawl may request other data
    token: TokenMark | None  # of the user, since another user may see other models
    began: int  # seconds of the epoch
    page: dict[str, Any] | None  # `file`, `digest`, `url`, `following`: the page to continue with
    complete: bool
    kept: dict[str, dict[str, Any]]  # by name of the component
    statistics: dict[str, Any]

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    def is_of(self, request: Mapping[str, Any], token: str | None, longest: float) -> bool:
        """Return whether it is from the same request by the same user, and not too old (in seconds)."""
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
    """Return everything that the content of a listing depends on."""
    return {
        "version": __version__,
        "urls": list(urls),
        "fields": list(fields),
        "selection": selection,
        "keepers": sorted(checkpointed),
    }
