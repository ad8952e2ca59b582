"""Git over smart HTTP: `git upload-pack`, started as by git's own http-backend.

https://git-scm.com/docs/http-protocol
"""

import asyncio
import os
from pathlib import Path

from aiohttp import web

_SERVICE = b"001e# service=git-upload-pack\n0000"  # before protocol 2
_capabilities: dict[bytes, bytes] = {}  # in protocol 2, by the configuration of a repository


async def serve(request: web.Request, repository: Path, path_info: str) -> web.Response:
    """Answer a request of a git client for a bare repository; `path_info` is info/refs or git-upload-pack."""
    protocol = request.headers.get("Git-Protocol", "")
    body = await request.read()  # already decompressed by aiohttp
    if path_info == "info/refs":
        kind, content = "advertisement", await _advertised(repository, protocol)
    else:
        kind, content = "result", await _upload_pack(repository, protocol, body)
    headers = {"Content-Type": f"application/x-git-upload-pack-{kind}", "Cache-Control": "no-cache"}
    return web.Response(headers=headers, body=content)


async def _advertised(repository: Path, protocol: str) -> bytes:
    """Return the answer to info/refs, which names no reference in protocol 2."""
    if "version=2" not in protocol:
        return _SERVICE + await _upload_pack(repository, protocol, b"", "--advertise-refs")
    configuration = (repository / "config").read_bytes()
    if configuration not in _capabilities:
        _capabilities[configuration] = await _upload_pack(repository, protocol, b"", "--advertise-refs")
    return _capabilities[configuration]


async def _upload_pack(repository: Path, protocol: str, body: bytes, *options: str) -> bytes:
    """Return the answer of `git upload-pack`."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_PROTOCOL": protocol,
    }
    process = await asyncio.create_subprocess_exec(
        *("git", "upload-pack", "--strict", "--stateless-rpc", *options, str(repository)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        output, _ = await process.communicate(body)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output
