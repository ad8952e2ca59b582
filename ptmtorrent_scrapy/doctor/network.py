"""Check the hubs: whether they answer and accept the token, and the time of their clocks."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.parse import urlsplit

from ptmtorrent_scrapy.doctor.result import OK, WARNING, WRONG, CheckResult
from ptmtorrent_scrapy.git.clone import head_commit
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.git.models import CloneRequest

_PATIENCE = 20  # seconds
_MOST = 1 << 16  # bytes of an answer that are read
_SKEW = 300  # seconds that a clock may be off
_ADVICE = "check the setting, the network and proxies; the hub may be down"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirect handler that follows none, so that no other host receives the token."""

    def redirect_request(self, *_: object) -> None:
        return None


def page(check: str, url: str, headers: Mapping[str, str]) -> tuple[CheckResult, float | None]:
    """Check a hub's page; return the result, and by how many seconds the hub's clock is ahead (None if unknown)."""
    try:
        status, date = _ask(urllib.request.build_opener(), url, headers)
    except (OSError, HTTPException, ValueError) as error:
        return CheckResult(check, WRONG, f"{url} cannot be reached: {_reason(error)}", _advice(error)), None
    if status >= 400:
        return CheckResult(check, WRONG, f"{url} answers with HTTP status {status}", _ADVICE), _ahead(date)
    return CheckResult(check, OK, f"{url} answers"), _ahead(date)


def repository(check: str, request: CloneRequest) -> CheckResult:
    """Check a repository that is a hub, or has the list of a hub."""
    try:
        commit, _ = head_commit(request)
    except GitError as error:
        return CheckResult(check, WRONG, f"{request.url} cannot be reached: {error}", _ADVICE)
    return CheckResult(check, OK, f"{request.url} is at {commit}")


def token(base: str, secret: str, headers: Mapping[str, str], *, probe: str, settings: tuple[str, str]) -> CheckResult:
    """Check a hub's token, which is sent to the hub's own host only.

    `probe` is a path that shows whether the hub accepts the token; `settings` names those for URL and token.
    """
    if not secret:
        return CheckResult(
            "token", OK, "not set; gated repositories cannot be cloned, and the API allows fewer requests"
        )
    if urlsplit(base).scheme != "https" and urlsplit(base).hostname not in ("127.0.0.1", "localhost", "::1"):
        return CheckResult("token", WRONG, f"{base} would get it unencrypted", f"use an https URL as {settings[0]}")
    url = f"{base.rstrip('/')}{probe}"
    try:
        opener = urllib.request.build_opener(_NoRedirect())
        status, _ = _ask(opener, url, {**headers, "Authorization": f"Bearer {secret}"})
    except (OSError, HTTPException, ValueError) as error:
        return CheckResult("token", WARNING, f"cannot be checked: {_reason(error)}", _ADVICE)
    if status in (401, 403):
        return CheckResult("token", WRONG, f"{base} does not accept it", f"make a new one for {settings[1]}")
    if status >= 300:
        return CheckResult("token", WARNING, f"{url} answers with HTTP status {status}", _ADVICE)
    return CheckResult("token", OK, f"{base} accepts it")


def clock(ahead: list[float]) -> CheckResult:
    """Compare the clock of this machine with those of the hubs."""
    advice = "set the clock: times of crawls, and TLS, depend on it"
    if time.time() < 1735689600:  # 2025
        return CheckResult("clock", WRONG, f"it says {time.strftime('%Y-%m-%d')}", advice)
    if not ahead:
        return CheckResult("clock", OK, f"it says {time.strftime('%Y-%m-%d %H:%M')}; no hub sends its time")
    middle = sorted(ahead)[len(ahead) // 2]
    if abs(middle) > _SKEW:
        return CheckResult(
            "clock", WRONG, f"it is {abs(middle):.0f} seconds {'behind' if middle > 0 else 'ahead'}", advice
        )
    return CheckResult("clock", OK, "agrees with the hubs")


def _ask(opener: urllib.request.OpenerDirector, url: str, headers: Mapping[str, str]) -> tuple[int, str | None]:
    """Return status and Date of the answer. Raise `OSError`, `HTTPException`, `ValueError`."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("not an http or https URL")
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - the scheme was checked just now
    try:
        with opener.open(request, timeout=_PATIENCE) as answer:
            answer.read(_MOST)
            return int(answer.status), answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Date")


def _ahead(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time() if date else None
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return json.dumps(str(reason or error or type(error).__name__))[1:-1]


def _advice(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        return "its certificate is not trusted here: install ca-certificates, or set SSL_CERT_FILE"
    return _ADVICE
