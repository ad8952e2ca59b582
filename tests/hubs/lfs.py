"""Large files: git-lfs's batch API, and the objects by `Range`.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

_TYPE = "application/vnd.git-lfs+json"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


async def batch(request: web.Request, find: Callable[[str], bytes | None]) -> web.Response:
    """Answer a batch request with the URLs of objects."""
    try:
        asked = await request.json()
        objects = [(entry["oid"], entry["size"]) for entry in asked["objects"]]
        operation, algorithm = asked["operation"], asked.get("hash_algo", "sha256")
    except (ValueError, KeyError, TypeError, AttributeError):
        return _answer({"message": "objects with oid and size, and an operation, are wanted"}, 422)
    if algorithm != "sha256":
        return _answer({"message": f"no objects by {algorithm}"}, 409)
    if operation != "download":
        return _answer({"message": "read only"}, 403)
    told = [_told(request, oid, size, find(oid)) for oid, size in objects]
    return _answer({"transfer": "basic", "objects": told, "hash_algo": "sha256"})


def _answer(value: Any, status: int = 200) -> web.Response:
    return web.json_response(value, status=status, content_type=_TYPE)


def _told(request: web.Request, oid: str, size: int, content: bytes | None) -> dict[str, Any]:
    told = {"oid": oid, "size": size}
    if content is None:
        return {**told, "error": {"code": 404, "message": "Object does not exist on the server"}}
    href = f"http://{request.host}/_lfs/{oid}"
    return {**told, "authenticated": True, "actions": {"download": {"href": href, "expires_in": 3600}}}


def content(request: web.Request, body: bytes) -> web.Response:
    """Return an object, or the requested part of it."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None:
        return web.Response(body=body, headers=headers)
    first, last = int(match[1]), min(int(match[2] or len(body) - 1), len(body) - 1)
    if first > last:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return web.Response(status=206, body=body[first : last + 1], headers=headers)
