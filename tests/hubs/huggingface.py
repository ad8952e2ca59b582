"""Hugging Face: its API, its files, and access to them.

https://huggingface.co/docs/hub/api; headers and errors as it sends them.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.hubs import files, lfs
from tests.hubs.content import Repository
from tests.hubs.datasets import Datasets, Spaces
from tests.hubs.fields import DATASETS, MODELS, SPACES, BadQuery, Fields, is_true
from tests.hubs.generated import SORTS, Generated
from tests.hubs.limit import RateLimit
from tests.hubs.listing import Order, Query, decoded, encoded
from tests.hubs.models import Models

if TYPE_CHECKING:
    from tests.hubs.server import Hubs, Served

_RESOLVE = re.compile(r"/(?P<id>.+?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Kind:
    """A kind of repository: its path in the API, the place of its repositories, and their fields in the API."""

    plural: str
    prefix: str
    fields: Fields
    generated: Generated


class HuggingFace:
    """The hub at the root of the server."""

    def __init__(self, hubs: "Hubs", models: Models, *, rate_limit: tuple[int, int] | None) -> None:
        self.hubs = hubs
        self.generated = models
        self.datasets = Datasets(len(models) // 3, models.seed)
        self.spaces = Spaces(len(models) // 4, models.seed, models, self.datasets)
        self.kinds = (
            Kind("models", "", MODELS, models),
            Kind("datasets", "datasets/", DATASETS, self.datasets),
            Kind("spaces", "spaces/", SPACES, self.spaces),
        )
        self.models: Sequence[dict[str, Any] | bytes] | None = None  # a listing to send instead of the generated one
        self.gated: set[str] = set()  # ids, beside those of generated models
        self.private: set[str] = set()  # ids
        self.accepted: frozenset[str] | None = (
            None  # fields that `expand` may name in a listing; None: all, empty: none
        )
        self.most = 1000  # objects per page
        self.endpoint: str | None = None  # base URL in `Link` headers; None: that of the request
        self._limit = RateLimit(*rate_limit) if rate_limit else None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        routes: list[tuple[str, Handler]] = [("/api/whoami-v2", self._whoami)]
        for kind in self.kinds:
            one = f"/api/{kind.plural}/{{id:.+?}}"
            routes += [
                (f"/api/{kind.plural}", partial(self._listing, kind)),
                (f"{one}/revision/{{revision}}", partial(self._one, kind)),
                (f"{one}/tree/{{revision}}", partial(self._tree, kind)),
                (f"{one}/tree/{{revision}}/{{folder:.+}}", partial(self._tree, kind)),
                (f"/api/{kind.plural}/{{id:.+}}", partial(self._one, kind)),
            ]
        for path, handler in routes:
            router.add_get(path, self._limited(handler))

    def repository(self, path: str) -> Repository | None:
        """Return the repository of a generated model, dataset or space."""
        for kind in self.kinds:
            index = kind.generated.index(path.removeprefix(kind.prefix)) if path.startswith(kind.prefix) else None
            if (
                index is not None
                and not kind.generated.is_removed(index)
                and kind.generated.trouble(index) != "missing"
            ):
                return kind.generated.repository(index)
        return None

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

    def _count(self, request: web.Request) -> int:
        """Return the number of objects per page. Raise `ValueError`."""
        limit = int(request.query.get("limit", self.most))
        if limit < 1:
            raise ValueError(f"limit={limit}")
        return min(limit, self.most)

    async def _listing(self, kind: Kind, request: web.Request) -> web.StreamResponse:
        sort, cursor = request.query.get("sort", "createdAt"), request.query.get("cursor")
        try:
            if sort not in SORTS:
                raise ValueError(sort)
            limit, fields = self._count(request), kind.fields.of_listing(request.query, self.accepted)
            if kind.generated is self.generated and self.models is not None:
                page, following = self._given(self.models, cursor, limit)
            else:
                page, following = self._page(kind, request, sort, limit, fields)
        except BadQuery as wrong:
            return error(400, None, str(wrong))
        except ValueError as wrong:
            return error(400, None, f"Invalid query: {wrong}")
        return _answer(b"[" + b",".join(page) + b"]", headers=_next(request, following, self.endpoint))

    def _page(
        self, kind: Kind, request: web.Request, sort: str, limit: int, fields: frozenset[str]
    ) -> tuple[list[bytes], str | None]:
        """Return the objects of a page, and the cursor of the next one."""
        order = Order(kind.generated, sort, ascending=request.query.get("direction") == "1")
        query = Query(request.query)
        page: list[bytes] = []
        last = 0
        for index in order.after(request.query.get("cursor")):
            if len(page) == limit:
                return page, order.cursor(last)
            if kind.generated.is_removed(index):
                continue
            listed = kind.generated.model(index)
            if query.wants(listed):
                page.append(orjson.dumps({name: value for name, value in listed.items() if name in fields}))
            last = index
        return page, None

    def _given(
        self, models: Sequence[dict[str, Any] | bytes], cursor: str | None, limit: int
    ) -> tuple[list[bytes], str | None]:
        """Return the answer that a test has set."""
        start = int(decoded(cursor)) if cursor else 0
        told = [each if isinstance(each, bytes) else orjson.dumps(each) for each in models[start : start + limit]]
        return told, encoded(start + limit) if start + limit < len(models) else None

    async def _whoami(self, request: web.Request) -> web.StreamResponse:
        if not self._has_access(request):
            return error(401, None, "Invalid username or password.", scheme="Bearer")
        return _answer({"name": "stand-in", "type": "user"})

    async def _one(self, kind: Kind, request: web.Request) -> web.StreamResponse:
        served = self._served(request, kind.prefix + request.match_info["id"])
        if isinstance(served, web.Response):
            return served
        revision = request.match_info.get("revision", served.branch)
        commit = served.commit(revision)
        if commit is None and "revision" in request.match_info:
            return error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        known = self._described(kind, served, commit, blobs=is_true(request.query, "blobs"))
        try:
            fields = kind.fields.of_one(request.query, known)
        except BadQuery as wrong:
            return error(400, None, str(wrong))
        told = {name: value for name, value in known.items() if name in fields}
        if is_true(request.query, "securityStatus"):
            told["securityRepoStatus"] = {"scansDone": True, "filesWithIssues": []}
        return _answer(told)

    def _described(self, kind: Kind, served: "Served", commit: str | None, *, blobs: bool) -> dict[str, Any]:
        """Return the object of a repository at one of its commits."""
        name = served.path.removeprefix(kind.prefix)
        index = kind.generated.index(name)
        if index is not None:
            known = kind.generated.model(index)
        else:
            gated = "manual" if served.path in self.gated else False
            author = name.rpartition("/")[0] or None
            known = {"id": name, "author": author, "gated": gated, "downloads": 0, "likes": 0, "tags": []}
            known |= {"modelId": name} if kind.plural == "models" else {}
        if commit is not None:
            found = [entry for entry in files.entries(served.folder, commit, recursive=True) if entry.body is not None]
            known["siblings"] = [_sibling(entry) if blobs else {"rfilename": entry.path} for entry in found]
            known["sha"] = commit
            known["usedStorage"] = sum(entry.large[1] for entry in found if entry.large)
        return {**known, "private": served.path in self.private}

    async def _tree(self, kind: Kind, request: web.Request) -> web.StreamResponse:
        served = self._served(request, kind.prefix + request.match_info["id"])
        if isinstance(served, web.Response):
            return served
        if (commit := served.commit(request.match_info["revision"])) is None:
            return error(404, "RevisionNotFound", f"Invalid rev id: {request.match_info['revision']}")
        folder, cursor = request.match_info.get("folder", ""), request.query.get("cursor")
        try:
            start, limit = int(decoded(cursor)) if cursor else 0, self._count(request)
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
        """Return the repository with an id, or the answer for one that was renamed or does not exist."""
        if moved := self.hubs.redirect(request, name):
            return moved
        served = self.hubs.find(name)
        if served is None or (name in self.private and not self._has_access(request)):
            return self.no_repository(request)
        return served

    # Files

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer GET or HEAD /ID/resolve/REVISION/PATH."""
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
        """Return the answer to a client that has no access to a gated or private repository."""
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
        """Return the answer for a missing repository; to an anonymous client it is 401, as for a private one."""
        if self._has_access(request):
            return error(404, "RepoNotFound", "Repository not found")
        of_api = request.path.startswith("/api/") or "/resolve/" in request.path
        return error(401, None, "Invalid username or password.", scheme="Bearer" if of_api else "Basic")


def error(status: int, code: str | None, message: str, *, scheme: str = "Basic") -> web.Response:
    """Return an error of Hugging Face; `scheme` says how the client can authenticate, if that would help."""
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


def _next(request: web.Request, cursor: str | None, endpoint: str | None = None) -> dict[str, str]:
    """Return the header that leads to the next page."""
    if cursor is None:
        return {}
    url = request.url.update_query(cursor=cursor)
    return {"Link": f'<{url if endpoint is None else endpoint + url.raw_path_qs}>; rel="next"'}


def _entry(entry: files.Entry) -> dict[str, Any]:
    """Return a file or folder in the form of the API."""
    if entry.body is None:
        return {"type": "directory", "oid": entry.oid, "size": 0, "path": entry.path}
    told = {"type": "file", "oid": entry.oid, "size": len(entry.body), "path": entry.path}
    if entry.large is None:
        return told
    oid, size = entry.large
    return {**told, "size": size, "lfs": {"oid": oid, "size": size, "pointerSize": len(entry.body)}}


def _sibling(entry: files.Entry) -> dict[str, Any]:
    """Return a file as the API describes it with `blobs`."""
    told = {"rfilename": entry.path, "blobId": entry.oid, "size": len(entry.body or b"")}
    if entry.large is None:
        return told
    oid, size = entry.large
    return {**told, "size": size, "lfs": {"sha256": oid, "size": size, "pointerSize": len(entry.body or b"")}}
