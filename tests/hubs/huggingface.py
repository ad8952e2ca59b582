"""Hugging Face: its API, its files, and who may have what.

https://huggingface.co/docs/hub/api; headers and errors as it sends them.
"""

import base64
import hashlib
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.hubs import lfs
from tests.hubs.content import Large, Repository
from tests.hubs.models import Models, cursor, from_cursor

if TYPE_CHECKING:
    from tests.hubs.server import Hubs

_FULL = ("author", "sha", "lastModified", "gated", "disabled", "siblings", "spaces", "usedStorage", "model-index")
_EXTENDED = {"cardData": "cardData", "config": "config"}
_RESOLVE = re.compile(r"/(?P<id>.+?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


class HuggingFace:
    """The hub at the root of the server."""

    def __init__(self, hubs: "Hubs", models: Models, *, rate_limit: tuple[int, int] | None) -> None:
        self.hubs = hubs
        self.generated = models
        self.models: Sequence[dict[str, Any] | bytes] | None = None  # a listing to answer instead of the generated one
        self.gated: set[str] = set()  # ids, beside those of generated models
        self._limit = RateLimit(*rate_limit) if rate_limit else None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/models", self._listing)
        router.add_get("/api/whoami-v2", self._whoami)
        router.add_get("/api/models/{id:.+?}/revision/{revision}", self._model)
        router.add_get("/api/models/{id:.+?}/tree/{revision}", self._tree)
        router.add_get("/api/models/{id:.+}", self._model)

    def repository(self, path: str) -> Repository | None:
        """The repository of a generated model."""
        index = self.generated.index(path)
        if index is None or self.generated.trouble(index) == "missing":
            return None
        return self.generated.repository(index)

    # The API

    def _answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        tag = f'W/"{len(body):x}-{hashlib.sha1(body, usedforsecurity=False).hexdigest()[:27]}"'
        told = {"ETag": tag, "X-Powered-By": "huggingface-moon", "Vary": "Origin", **(headers or {})}
        if self._limit:
            told |= self._limit.headers()
        return web.Response(body=body, status=status, headers=told, content_type="application/json", charset="utf-8")

    def _limited(self) -> web.Response | None:
        if self._limit is None or self._limit.take():
            return None
        return self._answer({"error": "We had to rate limit your IP"}, 429)

    async def _listing(self, request: web.Request) -> web.StreamResponse:
        if limited := self._limited():
            return limited
        limit = min(int(request.query.get("limit", 1000)), 1000)
        try:
            first = from_cursor(request.query["cursor"]) if "cursor" in request.query else None
        except ValueError:
            return self._answer({"error": "Invalid cursor"}, 400)
        page, following = self._page(request, first, limit)
        headers = {}
        if following is not None:
            link = request.url.update_query(cursor=cursor(following))
            headers["Link"] = f'<{link}>; rel="next"'
        return self._answer(b"[" + b",".join(page) + b"]", headers=headers)

    def _page(self, request: web.Request, first: int | None, limit: int) -> tuple[list[bytes], int | None]:
        """(objects, where the next page begins); a cursor counts down to the model that was created first."""
        if self.models is not None:
            start = first or 0
            told = [
                each if isinstance(each, bytes) else orjson.dumps(each) for each in self.models[start : start + limit]
            ]
            return told, start + limit if start + limit < len(self.models) else None
        found = []
        for index in range((first if first is not None else len(self.generated)) - 1, -1, -1):
            listed = self.generated.model(index)
            if _asked_for(request, listed):
                found.append(orjson.dumps(_fields(request, listed)))
            if len(found) == limit:
                return found, index or None
        return found, None

    async def _whoami(self, request: web.Request) -> web.StreamResponse:
        if not self._has_access(request):
            return self._answer({"error": "Invalid username or password."}, 401)
        return self._answer({"name": "stand-in", "type": "user"})

    async def _model(self, request: web.Request) -> web.StreamResponse:
        if limited := self._limited():
            return limited
        name = request.match_info["id"]
        if name in self.hubs.moved:
            location = request.path_qs.replace(name, self.hubs.moved[name], 1)
            return web.Response(status=307, headers={"Location": location})
        index = self.generated.index(name)
        if index is None or self.generated.trouble(index) == "missing":
            return self.no_repository(request)
        listed = self.generated.model(index)
        if request.match_info.get("revision", "main") not in ("main", listed["sha"]):
            return _error(404, "RevisionNotFound", f"Invalid rev id: {request.match_info['revision']}")
        return self._answer(listed)

    async def _tree(self, request: web.Request) -> web.StreamResponse:
        index = self.generated.index(request.match_info["id"])
        if index is None or (repository := self.repository(request.match_info["id"])) is None:
            return self.no_repository(request)
        told = []
        for path, file in repository.commits[-1].items():
            entry = {"type": "file", "path": path, "oid": "0" * 40}
            if isinstance(file, Large):
                entry |= {"size": len(file.body), "lfs": {"oid": file.oid, "size": len(file.body), "pointerSize": 134}}
            elif isinstance(file, bytes):
                entry |= {"size": len(file)}
            told.append(entry)
        return self._answer(told)

    # Files

    async def file(self, request: web.Request) -> web.StreamResponse:
        """GET or HEAD /ID/resolve/REVISION/PATH."""
        match = _RESOLVE.fullmatch(request.path)
        index = self.generated.index(match["id"]) if match else None
        if match is None or index is None or (repository := self.repository(match["id"])) is None:
            return self.no_repository(request)
        if refused := self.refusal(request, match["id"]):
            return refused
        if match["revision"] not in ("main", self.generated.head(index)):
            return _error(404, "RevisionNotFound", f"Invalid rev id: {match['revision']}")
        file = repository.commits[-1].get(match["path"]) if repository.commits else None
        if file is None:
            return _error(404, "EntryNotFound", "Entry not found")
        assert isinstance(file, bytes | Large)
        body = file.body if isinstance(file, Large) else file
        response = lfs.content(request, body)
        response.headers["X-Repo-Commit"] = self.generated.head(index)
        response.headers["ETag"] = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
        if isinstance(file, Large):
            response.headers.update({"X-Linked-Size": str(len(body)), "X-Linked-Etag": f'"{file.oid}"'})
        return response

    # Access

    def _has_access(self, request: web.Request) -> bool:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            credentials = base64.b64decode(credentials).decode().partition(":")[2]
        return self.hubs.token is not None and credentials == self.hubs.token

    def refusal(self, request: web.Request, name: str) -> web.Response | None:
        """The answer to a client that has no access to a gated repository."""
        index = self.generated.index(name)
        gated = name in self.gated or (index is not None and self.generated.trouble(index) == "gated")
        if not gated or self._has_access(request):
            return None
        status = 403 if "Authorization" in request.headers else 401
        message = f"Access to model {name} is restricted. You must have access to it and be authenticated to access it."
        return _error(status, "GatedRepo", message)

    def no_repository(self, request: web.Request) -> web.Response:
        """The answer for a repository that is not there, which an anonymous client is not told."""
        if self._has_access(request):
            return _error(404, "RepoNotFound", "Repository not found")
        return _error(401, None, "Invalid username or password.")


class RateLimit:
    """So many requests in windows of so many seconds."""

    def __init__(self, quota: int, window: int) -> None:
        self.quota = quota
        self.window = window
        self._ends = 0.0
        self._left = quota

    def take(self) -> bool:
        """Count a request; False if it is one too many."""
        if time.monotonic() >= self._ends:
            self._ends, self._left = time.monotonic() + self.window, self.quota
        self._left -= 1
        return self._left >= 0

    def headers(self) -> dict[str, str]:
        remaining = max(0, int(self._ends - time.monotonic()))
        return {
            "RateLimit": f'"api";r={max(0, self._left)};t={remaining}',
            "RateLimit-Policy": f'"fixed window";"api";q={self.quota};w={self.window}',
        }


def _error(status: int, code: str | None, message: str) -> web.Response:
    headers = {"X-Error-Message": message}
    if code:
        headers["X-Error-Code"] = code
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Authentication required", charset="UTF-8"'
    return web.json_response({"error": message}, status=status, headers=headers)


def _asked_for(request: web.Request, listed: dict[str, Any]) -> bool:
    query = request.query
    tags = [*listed["tags"], listed.get("pipeline_tag")]
    return (
        query.get("author", listed.get("author")) == listed.get("author")
        and query.get("search", "") in listed["id"]
        and all(wanted in tags for wanted in query.getall("filter", []))
    )


def _fields(request: web.Request, listed: dict[str, Any]) -> dict[str, Any]:
    """The object with the fields that the query asks for."""
    dropped = set() if _true(request, "full") else set(_FULL)
    dropped |= {field for parameter, field in _EXTENDED.items() if not _true(request, parameter)}
    return {key: value for key, value in listed.items() if key not in dropped}


def _true(request: web.Request, parameter: str) -> bool:
    return request.query.get(parameter, "false").lower() in ("true", "1")
