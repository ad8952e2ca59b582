"""Turn answers of LFS servers into downloads or errors.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import json
import re
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urljoin

from ptmtorrent_scrapy.formats.retry_after import seconds
from ptmtorrent_scrapy.git.errors import Gated, GitError, Missing, Transient, Unavailable

BATCH_BYTES = 64 << 20  # of an answer to a batch request
MESSAGE_BYTES = 1 << 14  # of an answer that is an error
_MESSAGE = 200  # characters that are repeated of a server's message
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_BATCH = "their server's answer is not one of git-lfs's batch API"
_OURS = {"host", "content-length", "transfer-encoding", "connection", "range", "te", "upgrade", "expect", "trailer"}
_TOTAL = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")


@dataclass(frozen=True)
class Download:
    """The URL and headers for an object, from its server."""

    url: str
    headers: dict[str, str]


Answered = Download | GitError


def batch(content: bytes, url: str) -> dict[str, Answered]:
    """Return the download or the error of each object in the answer to a batch request. Raise `GitError`."""
    try:
        objects = json.loads(content)["objects"]
    except (ValueError, TypeError, KeyError, RecursionError):
        objects = None
    listed = objects if isinstance(objects, list) else [None]
    named = [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("oid"), str)]
    if listed and not named:
        raise GitError(_NOT_BATCH)
    return {entry["oid"]: _of_entry(entry, url) for entry in named}


def _of_entry(entry: dict[str, Any], url: str) -> Answered:
    """Return the download or the error of an entry; an invalid entry is an error of its object only."""
    try:
        return _answered(entry, url)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return GitError(_NOT_BATCH)


def _answered(entry: dict[str, Any], url: str) -> Answered:
    """Return the download of an object, or its error; a link may be relative to the request's URL."""
    if error := entry.get("error"):
        return failure(int(error["code"]), {}, json.dumps({"message": error.get("message")}).encode())
    action = (entry.get("actions") or {}).get("download")
    if not action:
        return Missing("their server does not have them")
    headers = action.get("header") or {}
    kept = {name: value for name, value in headers.items() if _is_header(name, value)}
    return Download(urljoin(url, action["href"]), kept)


def _is_header(name: object, value: object) -> bool:
    """Return whether a header from a server may be sent."""
    if not (isinstance(name, str) and isinstance(value, str)):
        return False
    return bool(_HEADER.fullmatch(name)) and name.lower() not in _OURS and value.isascii() and value.isprintable()


def failure(status: int, headers: Any, content: bytes) -> GitError:
    """Return the error for an HTTP status: `Transient` for temporary ones, else permanent."""
    pause = seconds(headers.get("Retry-After") or "")
    message = _message(content)
    is_limited = status == 403 and (pause is not None or headers.get("X-RateLimit-Remaining") == "0")
    if status in (429, 503) or is_limited or (status == 403 and "rate limit" in message.lower()):
        return Unavailable(f"their server asks for a pause (HTTP status {status}){message}", pause)
    if status in (404, 410):
        return Missing(f"their server does not have them (HTTP status {status}){message}")
    if status in (401, 403):
        return Gated(f"their server denies access to them (HTTP status {status}){message}")
    if status >= 500 and status not in (501, 505, 507, 509):
        return Transient(f"their server fails with HTTP status {status}{message}")
    return GitError(f"their server refuses them with HTTP status {status}{message}")


def _message(content: bytes) -> str:
    """Return the message in an error's JSON, as the end of a sentence; empty if there is none."""
    try:
        message = json.loads(content)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    if not isinstance(message, str) or not message.strip():
        return ""
    text = " ".join(message.split())
    return ": " + ("".join(each if each.isprintable() else "?" for each in text))[:_MESSAGE]


def total(response: HTTPResponse) -> int | None:
    """Return the size of the object of an answer, if the answer gives it."""
    if response.status == 200:
        return response.length
    found = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None
