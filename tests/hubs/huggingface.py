"""Hugging Face: its API, its files, and who may have what.

https://huggingface.co/docs/hub/api; headers and errors as it sends them.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.hubs import files, lfs
from tests.hubs.content import Repository
from tests.hubs.limit import RateLimit
from tests.hubs.listing import Order, Query, decoded, encoded, is_true
from tests.hubs.models import SORTS, Models

if TYPE_CHECKING:
    from tests.hubs.server import Hubs, Served

_RESOLVE = re.compile(r"/(?P<id>.+?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_MOST = 1000  # objects in a page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HuggingFace:
    """The hub at the root of the server."""

    def __init__(self, hubs: "Hubs", models: Models, *, rate_limit: tuple[int, int] | None) -> None:
        self.hubs = hubs
        self.generated = models
        self.models: Sequence[dict[str, Any] | bytes] | None = None  # a listing to answer instead of the generated one
        self.gated: set[str] = set()  # ids, beside those of generated models
        self.private: set[str] = set()  # ids
        self._limit = RateLimit(*rate_limit) if rate_limit else None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for path, handler in (
            ("/api/models", self._listing),
            ("/api/whoami-v2", self._whoami),
            ("/api/models/{id:.+?}/revision/{revision}", self._model),
            ("/api/models/{id:.+?}/tree/{revision}", self._tree),
            ("/api/models/{id:.+?}/tree/{revision}/{folder:.+}", self._tree),
            ("/api/models/{id:.+}", self._model),
        ):
            router.add_get(path, self._limited(handler))

    def repository(self, path: str) -> Repository | None:
        """The repository of a generated model."""
        index = self.generated.index(path)
        if index is None or self.generated.trouble(index) == "missing":
            return None
        return self.generated.repository(index)

    # The API

    def _limited(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            if self._limit is None:
                return await handler(request)
            within = self._limit.take()
            response = await handler(request) if within else error(429, None, "We had to rate limit your IP")
            response.headers.update(self._limit.headers())
            return response

        return answer

    async def _listing(self, request: web.Request) -> web.StreamResponse:
        sort, cursor = request.query.get("sort", "createdAt"), request.query.get("cursor")
        try:
            if sort not in SORTS:
                raise ValueError(sort)
            limit = _limit(request)
            if self.models is None:
                page, following = self._page(request, sort, cursor, limit)
            else:
                page, following = self._given(self.models, cursor, limit)
        except ValueError as wrong:
            return error(400, None, f"Invalid query: {wrong}")
        return _answer(b"[" + b",".join(page) + b"]", headers=_next(request, following))

    def _page(self, request: web.Request, sort: str, cursor: str | None, limit: int) -> tuple[list[bytes], str | None]:
        """(objects, cursor of the next page)."""
        order = Order(self.generated, sort, ascending=request.query.get("direction") == "1")
        query = Query(request.query)
        page: list[bytes] = []
        last = 0
        for index in order.after(cursor):
            if len(page) == limit:
                return page, order.cursor(last)
            listed = self.generated.model(index)
            if query.wants(listed):
                page.append(orjson.dumps(query.fields(listed)))
            last = index
        return page, None

    def _given(
        self, models: Sequence[dict[str, Any] | bytes], cursor: str | None, limit: int
    ) -> tuple[list[bytes], str | None]:
        start = int(decoded(cursor)) if cursor else 0
        told = [each if isinstance(each, bytes) else orjson.dumps(each) for each in models[start : start + limit]]
        return told, encoded(start + limit) if start + limit < len(models) else None

    async def _whoami(self, request: web.Request) -> web.StreamResponse:
        if not self._has_access(request):
            return error(401, None, "Invalid username or password.", scheme="Bearer")
        return _answer({"name": "stand-in", "type": "user"})

    async def _model(self, request: web.Request) -> web.StreamResponse:
        served = self._served(request, request.match_info["id"])
        if isinstance(served, web.Response):
            return served
        revision = request.match_info.get("revision", served.branch)
        commit = served.commit(revision)
        if commit is None and "revision" in request.match_info:
            return error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return _answer(self._described(served, commit))

    def _described(self, served: "Served", commit: str | None) -> dict[str, Any]:
        """A model at one of its commits."""
        index = self.generated.index(served.path)
        if index is not None:
            listed = self.generated.model(index)
        else:
            gated = "manual" if served.path in self.gated else False
            listed = {"id": served.path, "modelId": served.path, "gated": gated, "downloads": 0, "likes": 0, "tags": []}
        if commit is not None:
            found = files.entries(served.folder, commit, recursive=True)
            listed["siblings"] = [{"rfilename": entry.path} for entry in found if entry.body is not None]
            listed["sha"] = commit
        return {**listed, "private": served.path in self.private}

    async def _tree(self, request: web.Request) -> web.StreamResponse:
        served = self._served(request, request.match_info["id"])
        if isinstance(served, web.Response):
            return served
        if (commit := served.commit(request.match_info["revision"])) is None:
            return error(404, "RevisionNotFound", f"Invalid rev id: {request.match_info['revision']}")
        folder, cursor = request.match_info.get("folder", ""), request.query.get("cursor")
        try:
            start, limit = int(decoded(cursor)) if cursor else 0, _limit(request)
        except ValueError as invalid:
            return error(400, None, f"Invalid query: {invalid}")
        found = files.entries(served.folder, commit, folder, recursive=is_true(request.query, "recursive"))
        try:
            page = list(islice(found, start, start + limit + 1))
        except FileNotFoundError:
            return error(404, "EntryNotFound", f"{folder} does not exist on {request.match_info['revision']}")
        following = encoded(start + limit) if len(page) > limit else None
        return _answer([_entry(entry) for entry in page[:limit]], headers=_next(request, following))

    def _served(self, request: web.Request, name: str) -> "Served | web.Response":
        """The repository of that id, or the answer to a client that has it elsewhere or not at all."""
        if moved := self.hubs.redirect(request, name):
            return moved
        served = self.hubs.find(name)
        if served is None or (name in self.private and not self._has_access(request)):
            return self.no_repository(request)
        return served

    # Files

    async def file(self, request: web.Request) -> web.StreamResponse:
        """GET or HEAD /ID/resolve/REVISION/PATH."""
        match = _RESOLVE.fullmatch(request.path)
        if match is None:
            return self.no_repository(request)
        served = self._served(request, match["id"])
        if isinstance(served, web.Response):
            return served
        if refused := self.refusal(request, match["id"]):
            return refused
        if (commit := served.commit(match["revision"])) is None:
            return error(404, "RevisionNotFound", f"Invalid rev id: {match['revision']}")
        return self._content(request, commit, files.file(served.folder, commit, match["path"]))

    def _content(self, request: web.Request, commit: str, entry: files.Entry | None) -> web.Response:
        body = None if entry is None else self.hubs.large(entry.large[0]) if entry.large else entry.body
        if entry is None or body is None:
            return error(404, "EntryNotFound", "Entry not found")
        response = lfs.content(request, body)
        response.headers.update({"X-Repo-Commit": commit, "ETag": f'"{entry.oid}"'})
        if entry.large:
            oid, size = entry.large
            response.headers.update({"X-Linked-Size": str(size), "X-Linked-Etag": f'"{oid}"'})
        return response

    # Access

    def _has_access(self, request: web.Request) -> bool:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            try:
                credentials = base64.b64decode(credentials).decode().partition(":")[2]
            except ValueError:
                return False
        return self.hubs.token is not None and credentials == self.hubs.token

    def refusal(self, request: web.Request, name: str) -> web.Response | None:
        """The answer to a client that has no access to a gated or private repository."""
        if self._has_access(request):
            return None
        if name in self.private:
            return self.no_repository(request)
        index = self.generated.index(name)
        if name not in self.gated and (index is None or self.generated.trouble(index) != "gated"):
            return None
        message = f"Access to model {name} is restricted. You must have access to it and be authenticated to access it."
        if "Authorization" in request.headers:
            return error(403, "GatedRepo", message)
        return error(401, "GatedRepo", f"{message} Please log in.")

    def no_repository(self, request: web.Request) -> web.Response:
        """The answer for a repository that is not there, which an anonymous client is not told."""
        if self._has_access(request):
            return error(404, "RepoNotFound", "Repository not found")
        of_api = request.path.startswith("/api/") or "/resolve/" in request.path
        return error(401, None, "Invalid username or password.", scheme="Bearer" if of_api else "Basic")


def error(status: int, code: str | None, message: str, *, scheme: str = "Basic") -> web.Response:
    """An error of Hugging Face; `scheme` is how the client is to authenticate itself where that would help."""
    headers = {"X-Error-Message": message}
    if code:
        headers["X-Error-Code"] = code
    if status == 401:
        headers["WWW-Authenticate"] = f'{scheme} realm="Authentication required", charset="UTF-8"'
    return _answer({"error": message}, status, headers)


def _answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    told = {
        "ETag": f'W/"{len(body):x}-{hashlib.sha1(body, usedforsecurity=False).hexdigest()[:27]}"',
        "X-Powered-By": "huggingface-moon",
        "X-Request-Id": f"Root=1-{uuid.uuid4()}",
        "Vary": "Origin",
        **(headers or {}),
    }
    return web.Response(body=body, status=status, headers=told, content_type="application/json", charset="utf-8")


def _limit(request: web.Request) -> int:
    """How many objects a page shall have. Raises `ValueError`."""
    limit = int(request.query.get("limit", _MOST))
    if limit < 1:
        raise ValueError(f"limit={limit}")
    return min(limit, _MOST)


def _next(request: web.Request, cursor: str | None) -> dict[str, str]:
    """The header that leads to the next page."""
    return {"Link": f'<{request.url.update_query(cursor=cursor)}>; rel="next"'} if cursor else {}


def _entry(entry: files.Entry) -> dict[str, Any]:
    """A file or folder as the API tells it."""
    if entry.body is None:
        return {"type": "directory", "oid": entry.oid, "size": 0, "path": entry.path}
    told = {"type": "file", "oid": entry.oid, "size": len(entry.body), "path": entry.path}
    if entry.large is None:
        return told
    oid, size = entry.large
    return {**told, "size": size, "lfs": {"oid": oid, "size": size, "pointerSize": len(entry.body)}}
