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
    """Where the objects of a request are to be downloaded."""
    asked = await request.json()
    if asked.get("operation") != "download":
        return web.json_response({"message": "read only"}, status=403, content_type=_TYPE)
    objects = [_told(request, entry, find(entry["oid"])) for entry in asked["objects"]]
    answer = {"transfer": "basic", "objects": objects, "hash_algo": "sha256"}
    return web.json_response(answer, content_type=_TYPE)


def _told(request: web.Request, entry: dict[str, Any], content: bytes | None) -> dict[str, Any]:
    told = {"oid": entry["oid"], "size": entry["size"]}
    if content is None:
        return {**told, "error": {"code": 404, "message": "Object does not exist on the server"}}
    href = f"http://{request.host}/_lfs/{entry['oid']}"
    return {**told, "authenticated": True, "actions": {"download": {"href": href, "expires_in": 3600}}}


def content(request: web.Request, body: bytes) -> web.Response:
    """An object, or the part of it that is asked for."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None:
        return web.Response(body=body, headers=headers)
    first, last = int(match[1]), min(int(match[2] or len(body) - 1), len(body) - 1)
    if first > last:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return web.Response(status=206, body=body[first : last + 1], headers=headers)
