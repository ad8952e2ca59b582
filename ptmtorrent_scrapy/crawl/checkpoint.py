"""From where an interrupted crawl is resumed."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Protocol, Self

import orjson

from ptmtorrent_scrapy import __version__


class Checkpointed(Protocol):
    """What writes files during the listing."""

    def save(self) -> dict[str, Any]:
        """Bring what was written to the disk; return what is needed to continue from there, as JSON."""

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        """Return whether what was saved is still there; of a complete listing some may have taken its place."""

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Continue from there."""


@dataclass(frozen=True, kw_only=True)
class TokenMark:
    """What the token of a listing is recognised by, and cannot be found out from."""

    key: str
    hash: str

    @classmethod
    def of(cls, token: str | None, key: str = "") -> Self | None:
        """Return the mark of a token, None where there is none; with a new key unless one is given."""
        if token is None:
            return None
        key = key or secrets.token_hex(16)
        return cls(key=key, hash=blake2b(token.encode(), key=bytes.fromhex(key), digest_size=16).hexdigest())


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """How far the listing has come."""

    request: dict[str, Any]  # what was asked: another crawl may ask for something else
    token: TokenMark | None  # who has asked: another user may see other models
    began: int  # seconds of the epoch
    page: dict[str, Any] | None  # `file`, `digest`, `url`, `following`: the page to continue with
    complete: bool
    kept: dict[str, dict[str, Any]]  # by keeper
    statistics: dict[str, Any]

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    def is_of(self, request: Mapping[str, Any], token: str | None, longest: float) -> bool:
        """Return whether it is of the same request by the same user, and no older than so many seconds."""
        is_same_user = self.token == TokenMark.of(token, self.token.key if self.token else "")
        return is_same_user and self.request == request and 0 <= time.time() - self.began <= longest


def parse(state: bytes | None) -> Checkpoint | None:
    """Return a checkpoint that was saved; None if there is none, or none that this version understands."""
    try:
        values = orjson.loads(state or b"")
        token = values.pop("token")
        return Checkpoint(**values, token=token and TokenMark(**token))
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def request(*, urls: Sequence[str], fields: Sequence[str], selection: object, keepers: Iterable[str]) -> dict[str, Any]:
    """Return what a crawl asks for: whatever decides what its listing says and notes."""
    return {
        "version": __version__,
        "urls": list(urls),
        "fields": list(fields),
        "selection": selection,
        "keepers": sorted(keepers),
    }
